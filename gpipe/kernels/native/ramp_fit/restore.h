/* Ramp fits: restore_lost_groups of a tile. */
#ifndef GPIPE_RAMP_FIT_RESTORE_H
#define GPIPE_RAMP_FIT_RESTORE_H

#include "ramp_fit/rates.h"

/* Flags as they would be had no group been withdrawn for its charge loss. */
static void load_whole_flags(const Settings *s, const Samples *x, Tile *t, int64_t n)
{
    for (int64_t k = 0; k < s->groups; k++) {
        const uint8_t *restrict given = x->groupdq + k * x->groupdq_step;
        uint8_t *restrict flag = t->flags + k * t->pitch, outside = s->first <= k && k <= s->last ? 0 : DO_NOT_USE;
        for (int64_t c = 0; c < n; c++)
            flag[c] = (uint8_t)((given[c] | outside) ^ (given[c] & CHARGELOSS ? WITHDRAWN : 0));
    }
}

static void add_moment(const int32_t *restrict length, float *restrict reading, int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        float count = (float)length[c];
        reading[c] += count * (count + 1.0f);
    }
}

/* Read-noise sums of whole ramps. */
static void sum_whole(const Settings *s, Tile *t, const Sums *sums, float *restrict reading, int64_t n)
{
    float *restrict time = t->fill;
    find_segments(s, t, sums->length, n);
    find_lone_time(s, t, sums->kind, t->once, time, n);
    for (int64_t c = 0; c < n; c++)
        reading[c] = 6.0f * time[c] * time[c];
    for (int64_t k = 0; k < s->groups - 1; k++)
        add_moment(sums->length + k * t->pitch, reading, n);
}

static void set_variance(const float *restrict reading, const float *restrict unit_reading,
                         const uint8_t *restrict seen, float *restrict variance, float *restrict information,
                         int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        float whole = read_noise_variance(reading[c], unit_reading[c]), before = variance[c];
        float after = seen[c] & CHARGELOSS ? whole : before, inverse = 1.0f / after;
        variance[c] = after;
        information[c] += after > 0.0f ? inverse : 0.0f;
    }
}

static void set_exposure_variance(const float *restrict information, const uint8_t *restrict seen,
                                  float *restrict var_rnoise, int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        float known = information[c], variance = 1.0f / known, before = var_rnoise[c];
        float after = (((seen[c] & CHARGELOSS) != 0) & (known > 0.0f)) ? variance : before;
        var_rnoise[c] = after;
    }
}

/* restore_lost_groups of one integration, once its results are written, as if the groups had been fitted. */
static void restore_integration(const Settings *s, const Samples *x, Tile *t, const Sums *sums, Pixels *pixels,
                                Rates rates, int64_t n)
{
    load_whole_flags(s, x, t, n);
    sum_whole(s, t, sums, t->line, n);
    set_variance(t->line, pixels->unit_reading, sums->seen, rates.var_rnoise, pixels->information, n);
}

#endif
