/* Ramp fits: rates, variances and errors of a tile from its sums. */
#ifndef GPIPE_RAMP_FIT_RATES_H
#define GPIPE_RAMP_FIT_RATES_H

#include "ramp_fit/plain.h"

static const float SIGNAL_TO_NOISE[LEVELS] = {5.0f, 10.0f, 20.0f, 50.0f, 100.0f};

/* Lines of results. */
typedef struct {
    float *slope, *var_poisson, *var_rnoise, *err;
    uint32_t *dq;
} Rates;

/* pixel_quality, and electrons of read noise in one group. */
static void know_pixels(const uint32_t *restrict pixeldq, const float *restrict readnoise, const float *restrict gain,
                        float noise_of_group, uint32_t *restrict quality, float *restrict noise,
                        float *restrict known_gain, int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        float electrons = known_reference(gain[c]);
        quality[c] = pixeldq[c] | (electrons > 0.0f ? 0 : NO_GAIN_VALUE);
        known_gain[c] = electrons;
        noise[c] = known_reference(readnoise[c]) * electrons * noise_of_group;
    }
}

static void set_limits(float signal_to_noise, const float *restrict noise, const float *restrict gain,
                       float *restrict limit, int64_t n)
{
    for (int64_t c = 0; c < n; c++)
        limit[c] = signal_limit(signal_to_noise, noise[c], gain[c]);
}

static void begin_pixels(const Settings *s, const uint32_t *pixeldq, const float *readnoise, const float *gain,
                         Pixels *pixels, int64_t n)
{
    know_pixels(pixeldq, readnoise, gain, s->noise_of_group, pixels->quality, pixels->noise, pixels->gain, n);
    for (int64_t l = 0; l < LEVELS; l++)
        set_limits(SIGNAL_TO_NOISE[l], pixels->noise, pixels->gain, pixels->limits[l], n);
    float *sums[] = {pixels->rate, pixels->missing, pixels->only_rate, pixels->onlies};
    for (int64_t k = 0; k < 4; k++)
        fill_line(sums[k], 0.0f, n);
}

/* The mean over the integrations that have a rate; over those with an only group where none has. */
static void divide_rate(const float *restrict missing, const float *restrict only_rate, const float *restrict onlies,
                        float integrations, float *restrict rate, int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        float known = integrations - missing[c], sum = rate[c], instead = only_rate[c], number = onlies[c];
        float total = known > 0.0f ? sum : instead, count = known > 0.0f ? known : number;
        rate[c] = total / count;
    }
}

/* noise_units, and the last part of pixel_quality. */
static void set_units(const float *restrict noise, const float *restrict gain, const float *restrict rate,
                      const float *restrict dark, float group_time, float *restrict unit_reading,
                      float *restrict unit_photons, uint32_t *restrict quality, int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        float photons = poisson_unit(rate[c], dark[c], gain[c], group_time);
        float reading = known_noise(read_noise_unit(noise[c], gain[c], group_time), photons);
        uint32_t unknown = reading > 0.0f ? 0 : DO_NOT_USE;
        unit_reading[c] = reading;
        unit_photons[c] = reading > 0.0f ? photons : 0.0f;
        quality[c] |= unknown;
    }
}

static void find_units(const Settings *s, const float *dark, Pixels *pixels, int64_t n)
{
    divide_rate(pixels->missing, pixels->only_rate, pixels->onlies, (float)s->integrations, pixels->rate, n);
    set_units(pixels->noise, pixels->gain, pixels->rate, dark, s->group_time, pixels->unit_reading,
              pixels->unit_photons, pixels->quality, n);
}

/* What lone groups tell; see combined_error. */
static void begin_information(const float *restrict time, const Pixels *pixels, float *restrict information, int64_t n)
{
    const float *restrict unit_reading = pixels->unit_reading, *restrict unit_photons = pixels->unit_photons;
    for (int64_t c = 0; c < n; c++)
        information[c] = information_in(6.0f * time[c] * time[c], 6.0f * time[c], unit_reading[c], unit_photons[c]);
}

static void add_information(const int32_t *restrict length, const Pixels *pixels, float *restrict information,
                            int64_t n)
{
    const float *restrict unit_reading = pixels->unit_reading, *restrict unit_photons = pixels->unit_photons;
    for (int64_t c = 0; c < n; c++) {
        float size = (float)length[c], moment = size * (size + 1.0f);
        information[c] += information_in(moment, moment, unit_reading[c], unit_photons[c]);
    }
}

static void set_term(float size, const Pixels *pixels, float *restrict term, int64_t n)
{
    const float *restrict unit_reading = pixels->unit_reading, *restrict unit_photons = pixels->unit_photons;
    float moment = size * (size + 1.0f);
    for (int64_t c = 0; c < n; c++)
        term[c] = information_in(moment, moment, unit_reading[c], unit_photons[c]);
}

/* A term as often as a segment has steps, at least one. */
static void add_term(const float *restrict term, int64_t steps, float *restrict information, int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        float total = information[c], one = term[c];
        int64_t k = 0;
        do
            total += one;
        while (++k < steps);
        information[c] = total;
    }
}

/* How much is known of the rates of an integration. */
static void inform_each(const Settings *s, int64_t pitch, const int32_t *length, const float *time,
                        const Pixels *pixels, float *information, int64_t n)
{
    begin_information(time, pixels, information, n);
    for (int64_t k = 0; k < s->groups - 1; k++)
        add_information(length + k * pitch, pixels, information, n);
}

/* The same where there is a pattern: one term for all steps of a segment. */
static void inform_plain(const Settings *s, Tile *t, const Sums *sums, const Pixels *pixels, float *information,
                         int64_t n)
{
    begin_information(sums->time, pixels, information, n);
    for (int64_t k = 0; k < s->groups - 1;) {
        int64_t size = sums->size[k], steps = larger(size - 1, 1);
        set_term((float)size, pixels, t->fill, n);
        add_term(t->fill, steps, information, n);
        k += steps;
    }
}

/* The same of the odd pixels, side by side. */
static void inform_odd(const Settings *s, const Tile *t, const Sums *sums, const Pixels *pixels, Work *few,
                       float *information)
{
    int64_t odds = padded(sums->odds);
    float *time = few->tile.fill, *found = few->tile.line;
    gather(sums->time, sums->odd, time, odds);
    gather(pixels->unit_reading, sums->odd, few->pixels.unit_reading, odds);
    gather(pixels->unit_photons, sums->odd, few->pixels.unit_photons, odds);
    inform_each(s, t->pitch, sums->length, time, &few->pixels, found, odds);
    scatter(found, sums->odd, information, sums->odds);
}

static void inform(const Settings *s, Tile *t, const Sums *sums, const Pixels *pixels, Work *few, float *information,
                   int64_t n)
{
    if (sums->odds == NO_PATTERN) {
        inform_each(s, t->pitch, sums->length, sums->time, pixels, information, n);
        return;
    }
    inform_plain(s, t, sums, pixels, information, n);
    if (sums->odds)
        inform_odd(s, t, sums, pixels, few, information);
}

static void begin_flags(const uint32_t *restrict quality, const uint8_t *restrict seen,
                        const uint8_t *restrict started, uint32_t *restrict flags, int64_t n)
{
    for (int64_t c = 0; c < n; c++)
        flags[c] = quality[c] | (seen[c] & HANDED_ON) | (started[c] ? 0 : SATURATED);
}

static void set_lines(const float *restrict signal, const float *restrict reading, const float *restrict photons,
                      const float *restrict unit_reading, const float *restrict unit_photons, float group_time,
                      uint32_t *restrict dq, float *restrict slope, float *restrict var_poisson,
                      float *restrict var_rnoise, int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        float sum = reading[c], unit = unit_reading[c];
        uint32_t flags = dq[c] | (sum > 0.0f ? 0 : DO_NOT_USE);
        float rate = slope_from(signal[c], sum, group_time);
        float poisson = poisson_variance(photons[c], unit_photons[c]);
        float read_noise = read_noise_variance(sum, unit);
        float one = flags & UNUSABLE ? NOT_A_NUMBER : rate, two = flags & UNUSABLE ? 0.0f : poisson;
        float three = flags & UNUSABLE ? 0.0f : read_noise;
        slope[c] = one;
        var_poisson[c] = two;
        var_rnoise[c] = three;
        dq[c] = flags;
    }
}

/* integration_rates and exposure_rates, all but the error. */
static void set_rates(const Sums *sums, const Pixels *pixels, float group_time, Rates rates, int64_t n)
{
    begin_flags(pixels->quality, sums->seen, sums->started, rates.dq, n);
    set_lines(sums->signal, sums->reading, sums->photons, pixels->unit_reading, pixels->unit_photons, group_time,
              rates.dq, rates.slope, rates.var_poisson, rates.var_rnoise, n);
}

static void set_errors(const float *restrict information, const uint32_t *restrict flags, float *restrict error,
                       int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        float one = combined_error(information[c]);
        error[c] = flags[c] & UNUSABLE ? 0.0f : one;
    }
}

static void set_exposure_errors(const float *restrict var_poisson, const float *restrict var_rnoise,
                                float *restrict error, int64_t n)
{
    for (int64_t c = 0; c < n; c++)
        error[c] = sqrtf(var_poisson[c] + var_rnoise[c]);
}

static void flag_saturated(const uint8_t *restrict seen, uint32_t *restrict flags, int64_t n)
{
    for (int64_t c = 0; c < n; c++)
        flags[c] |= seen[c] & SATURATED;
}

static void finish_integration(const Settings *s, Tile *t, const Sums *sums, const Pixels *pixels, Work *few,
                               Rates rates, int64_t n)
{
    set_rates(sums, pixels, s->group_time, rates, n);
    inform(s, t, sums, pixels, few, t->line, n);
    set_errors(t->line, rates.dq, rates.err, n);
    flag_saturated(sums->seen, rates.dq, n);
}

/* Sums over the integrations, in the order of NumPy. */
static void add_up(const Sums *sums, int64_t integrations, int64_t n)
{
    const Sums *all = sums + integrations;
    float *totals[] = {all->signal, all->reading, all->photons};
    for (int64_t k = 0; k < 3; k++)
        fill_line(totals[k], 0.0f, n);
    memset(all->seen, 0, (size_t)n);
    memset(all->started, 0, (size_t)n);
    for (int64_t i = 0; i < integrations; i++) {
        const float *parts[] = {sums[i].signal, sums[i].reading, sums[i].photons};
        for (int64_t k = 0; k < 3; k++)
            add_product(parts[k], 1.0f, totals[k], n);
        unite(sums[i].seen, all->seen, n);
        unite(sums[i].started, all->started, n);
    }
}

static void finish_exposure(const Settings *s, const Sums *sums, const Pixels *pixels, Rates rates, int64_t n)
{
    add_up(sums, s->integrations, n);
    const Sums *all = sums + s->integrations;
    set_rates(all, pixels, s->group_time, rates, n);
    set_exposure_errors(rates.var_poisson, rates.var_rnoise, rates.err, n);
    flag_saturated(all->seen, rates.dq, n);
}

#endif
