constexpr int LIMITS = 5;

struct Timing {
    double frame, group, first_group;  // seconds
};

// One integration of one pixel. See gpipe.ramp_fitting.groups.prepare_groups.
struct Ramp {
    const float* data;
    const uint8* groupdq;
    int64 groups, stride, first, last;
    bool ignore_first_jump;
    unsigned seen;
    bool dropped, only_first, from_zeroframe;
    float zeroframe;

    __device__ float stored(int64 k) const { return data[k * stride]; }

    __device__ unsigned limited(int64 k) const
    {
        return groupdq[k * stride] | (k < first || k > last ? DO_NOT_USE : 0);
    }

    __device__ unsigned usable_flag(int64 k) const { return limited(k) | (isfinite(stored(k)) ? 0 : DO_NOT_USE); }

    __device__ unsigned heeded_flag(int64 k) const
    {
        return usable_flag(k) & ~(k == 0 && ignore_first_jump ? JUMP_DET : 0);
    }

    __device__ float value(int64 k) const
    {
        if (k == 0 && from_zeroframe) return zeroframe;
        float value = stored(k);
        return isfinite(value) ? value : 0.0f;
    }

    __device__ unsigned flag(int64 k) const
    {
        if (k == 0 && from_zeroframe) return 0;
        return heeded_flag(k) | (dropped ? DO_NOT_USE : 0);
    }

    // The flag as it would be had no group been withdrawn for its charge loss.
    __device__ unsigned whole_flag(int64 k) const
    {
        unsigned flag = limited(k);
        return flag & CHARGELOSS ? flag ^ WITHDRAWN : flag;
    }

    __device__ bool saturated_from_start() const { return flag(0) & SATURATED; }

    __device__ bool partly_saturated() const { return (seen & SATURATED) && !(groups == 1 && from_zeroframe); }

    __device__ void prepare(bool suppress_one_group, const float* first_frame)
    {
        int harmless = 0;
        bool later_good = false;
        for (int64 k = 0; k < groups; k++) {
            unsigned flag = heeded_flag(k);
            seen |= flag;
            harmless += !(usable_flag(k) & GOOD_BITS);
            later_good |= k > 0 && flag == 0;
        }
        if (suppress_one_group && groups > 1) {
            dropped = harmless == 1;
            return;
        }
        bool first_good = heeded_flag(0) == 0;
        only_first = first_good && !later_good;
        if (first_frame) {
            zeroframe = *first_frame;
            from_zeroframe = !first_good && !later_good && zeroframe != 0.0f && isfinite(zeroframe);
        }
    }

    // Time in which the only group collected its signal, in group times.
    __device__ float lone_time(const Timing& timing) const
    {
        return only_first ? (float)(timing.first_group / timing.group)
                          : from_zeroframe ? (float)(timing.frame / timing.group) : 1.0f;
    }
};

struct Exposure {
    const float* data;
    const uint8* groupdq;
    const float* zeroframe;
    int64 integrations, groups, pixels, first, last;
    bool suppress_one_group, ignore_first_jump;

    __device__ Ramp ramp(int64 integration, int64 pixel) const
    {
        int64 start = integration * groups * pixels + pixel;
        Ramp ramp{data + start, groupdq + start, groups, pixels, first, last, ignore_first_jump};
        ramp.prepare(suppress_one_group, zeroframe ? zeroframe + integration * pixels + pixel : nullptr);
        return ramp;
    }
};

// Variances of a slope whose sums over segments are 1; see gpipe.ramp_fitting.variances.
struct Units {
    float reading, photons;

    __device__ float information(float moment, float share) const
    {
        return information_in(moment, share, reading, photons);
    }
};

struct Weights {
    const float* table;  // see gpipe.ramp_fitting.weights.step_coefficients
    float limits[LIMITS];
    int64 size;

    __device__ const float* of(float rise, int64 length) const
    {
        int exponent = LIMITS;
        for (float limit : limits) exponent -= rise < limit;
        return table + (exponent * size + length) * size;
    }
};

__device__ inline Weights weights_for(const float* table, float noise, float gain, int64 groups)
{
    Weights weights{table, {5.0f, 10.0f, 20.0f, 50.0f, 100.0f}, groups + 1};  // Fixsen et al. 2000, table 1
    for (float& s : weights.limits) s = signal_limit(s, noise, gain);
    return weights;
}

// Visit the segments of two or more groups (first group, length) in order. Returns the group that stands for a ramp
// without one, -1 if there is none. See gpipe.ramp_fitting.segments.find_segments.
template <class Flag, class Visit>
__device__ int64 visit_segments(int64 groups, Flag flag, Visit visit)
{
    if (flag(0) & SATURATED) return -1;
    int64 good = -1, begin = 0;
    bool any = false;
    for (int64 k = 0; k < groups; k++) {
        if (good < 0 && !(flag(k) & GOOD_BITS)) good = k;
        bool continues = k + 1 < groups && !(flag(k) & OPENING_BITS) && !(flag(k + 1) & GOOD_BITS);
        if (continues) continue;
        if (k > begin) {
            visit(begin, k - begin + 1);
            any = true;
        }
        begin = k + 1;
    }
    return any ? -1 : good;
}

// How an integration comes by its first estimate of the rate, if at all.
enum class Estimate { NONE, OF_ONLY_GROUP, MEASURED };

// The rate of an integration. See gpipe.ramp_fitting.median_rate.
template <class Values>
__device__ Estimate median_rate(const Ramp& ramp, Values& steps, const Timing& timing, float& rate)
{
    float first = ramp.value(0), before = first;
    bool usable = !(ramp.flag(0) & UNUSABLE);
    rate = first / (float)timing.first_group;
    if (ramp.groups == 1) return usable ? Estimate::MEASURED : Estimate::NONE;
    int count = 0;
    for (int64 k = 1; k < ramp.groups; k++) {
        unsigned flag = ramp.flag(k);
        float value = ramp.value(k);
        bool usable_here = !(flag & UNUSABLE);
        if (usable && usable_here && !(flag & JUMP_DET)) steps[count++] = value - before;
        usable = usable_here;
        before = value;
    }
    sort(steps, count);
    if (ramp.only_first) return Estimate::MEASURED;
    if (ramp.from_zeroframe || count > 0) {
        float signal = ramp.from_zeroframe ? first : median(steps, 0, count);
        rate = signal / (float)(ramp.from_zeroframe ? timing.frame : timing.group);
        return Estimate::MEASURED;
    }
    int64 lone = visit_segments(ramp.groups, [&](int64 k) { return ramp.flag(k); }, [](int64, int64) {});
    if (lone < 0) return Estimate::NONE;
    rate = ramp.value(lone) / (float)timing.group;
    return Estimate::OF_ONLY_GROUP;
}

struct Mean {
    float sum, count;

    __device__ void add(float value)
    {
        sum += value;
        count += 1.0f;
    }
};

// The mean over the integrations that have a rate, over those with an only group where none has; NaN without either.
template <class Values>
__device__ float mean_rate(const Exposure& exposure, int64 pixel, Values& steps, const Timing& timing)
{
    Mean measured{}, only{};
    for (int64 i = 0; i < exposure.integrations; i++) {
        float rate;
        Estimate estimate = median_rate(exposure.ramp(i, pixel), steps, timing, rate);
        if (estimate == Estimate::MEASURED) measured.add(rate);
        if (estimate == Estimate::OF_ONLY_GROUP) only.add(rate);
    }
    return measured.count > 0.0f ? measured.sum / measured.count : only.sum / only.count;
}

struct Sums {
    float signal, reading, photons, information;
};

// See gpipe.ramp_fitting.sums.sum_segments; `information` as in gpipe.ramp_fitting.variances.combined_error.
__device__ inline Sums sum_segments(const Ramp& ramp, const Weights& weights, const Units& units, const Timing& timing)
{
    Sums sums{};
    auto fit = [&](int64 begin, int64 length) {
        float rise = 0.0f, moment = (float)length * ((float)length + 1.0f);
        for (int64 j = 1; j < length; j++) rise += ramp.value(begin + j) - ramp.value(begin + j - 1);
        const float* coefficients = weights.of(rise, length);
        for (int64 j = 1; j < length; j++) {
            sums.signal += coefficients[j + 1] * (ramp.value(begin + j) - ramp.value(begin + j - 1));
            sums.reading += moment;
            sums.photons += 1.0f;
            sums.information += units.information(moment, moment);
        }
    };
    int64 lone = visit_segments(ramp.groups, [&](int64 k) { return ramp.flag(k); }, fit);
    float time = lone < 0 ? 0.0f : ramp.lone_time(timing), moment = 6.0f * time * time;
    if (lone >= 0) {
        sums.signal = 6.0f * time * ramp.value(lone);
        sums.reading = moment;
        sums.photons = time;
    }
    sums.information += units.information(moment, 6.0f * time);  // NaN where the noise is
    return sums;
}

// Read-noise sum of a ramp with the groups that it lost to charge migration; see gpipe.ramp_fitting.charge_loss.
__device__ inline float whole_reading(const Ramp& ramp, const Timing& timing)
{
    float reading = 0.0f;
    auto add = [&](int64, int64 length) {
        for (int64 j = 1; j < length; j++) reading += (float)length * ((float)length + 1.0f);
    };
    int64 lone = visit_segments(ramp.groups, [&](int64 k) { return ramp.whole_flag(k); }, add);
    float time = lone < 0 ? 0.0f : ramp.lone_time(timing);
    return lone < 0 ? reading : 6.0f * time * time;
}

struct Rates {
    float* slope;
    uint32* dq;
    float *var_poisson, *var_rnoise, *err;

    __device__ void write(int64 at, unsigned flags, bool saturated, float rate, float poisson, float read, float error)
    {
        bool blank = flags & UNUSABLE;
        slope[at] = blank ? NOT_A_NUMBER : rate;
        dq[at] = flags | (saturated ? SATURATED : 0);
        var_poisson[at] = blank ? 0.0f : poisson;
        var_rnoise[at] = blank ? 0.0f : read;
        err[at] = blank ? 0.0f : error;
    }
};

// What the integrations add up to.
struct Total {
    float signal, reading, photons, information;
    unsigned seen;
    bool all_unused, all_saturated, partly_saturated, lost;
};

// See gpipe.ramp_fitting.rates.integration_rates.
__device__ inline void fit_integration(
    const Ramp& ramp, int64 at, unsigned quality, const Weights& weights, const Units& units, const Timing& timing,
    bool restore_charge_loss, Rates& rates, Total& total)
{
    Sums sums = sum_segments(ramp, weights, units, timing);
    bool saturated = ramp.saturated_from_start();
    unsigned flags = quality | (ramp.seen & HANDED_ON) | (sums.reading <= 0.0f ? DO_NOT_USE : 0);
    flags |= saturated ? SATURATED : 0;
    rates.write(
        at, flags, ramp.partly_saturated(),
        slope_from(sums.signal, sums.reading, (float)timing.group), poisson_variance(sums.photons, units.photons),
        read_noise_variance(sums.reading, units.reading), combined_error(sums.information));
    if (restore_charge_loss) {
        bool lost = ramp.seen & CHARGELOSS;
        if (lost) rates.var_rnoise[at] = read_noise_variance(whole_reading(ramp, timing), units.reading);
        float variance = rates.var_rnoise[at];
        total.information += variance > 0.0f ? 1.0f / variance : 0.0f;
        total.lost |= lost;
    }
    total.signal += sums.signal;
    total.reading += sums.reading;
    total.photons += sums.photons;
    total.seen |= ramp.seen;
    total.all_unused &= (flags & DO_NOT_USE) != 0;
    total.all_saturated &= saturated;
    total.partly_saturated |= ramp.partly_saturated();
}

// See gpipe.ramp_fitting.rates.exposure_rates.
__device__ inline void combine_integrations(
    const Total& total, int64 pixel, unsigned quality, const Units& units, const Timing& timing, Rates& rates)
{
    unsigned flags = quality | (total.seen & HANDED_ON) | (total.all_unused ? DO_NOT_USE : 0);
    flags |= total.all_saturated ? SATURATED : 0;
    float poisson = poisson_variance(total.photons, units.photons);
    float read = read_noise_variance(total.reading, units.reading);
    rates.write(
        pixel, flags, total.partly_saturated,
        slope_from(total.signal, total.reading, (float)timing.group), poisson, read, sqrtf(poisson + read));
    if (total.lost && total.information > 0.0f) rates.var_rnoise[pixel] = 1.0f / total.information;
}

template <class Values>
__device__ void fit_pixel(
    const Exposure& exposure, int64 pixel, Values& steps, unsigned quality, float readnoise, float gain, float dark,
    const float* table, float noise_of_group, const Timing& timing, bool restore_charge_loss, Rates& integrations,
    Rates& whole)
{
    gain = known_reference(gain);
    quality |= gain > 0.0f ? 0 : NO_GAIN_VALUE;
    float rate = mean_rate(exposure, pixel, steps, timing);
    float noise = known_reference(readnoise) * gain * noise_of_group, group_time = (float)timing.group;
    float photons = poisson_unit(rate, dark, gain, group_time);
    Units units{known_noise(read_noise_unit(noise, gain, group_time), photons), photons};
    if (units.reading == 0.0f) {
        quality |= DO_NOT_USE;
        units.photons = 0.0f;
    }
    Weights weights = weights_for(table, noise, gain, exposure.groups);
    Total total{};
    total.all_unused = total.all_saturated = true;
    for (int64 i = 0; i < exposure.integrations; i++)
        fit_integration(
            exposure.ramp(i, pixel), i * exposure.pixels + pixel, quality, weights, units, timing, restore_charge_loss,
            integrations, total);
    combine_integrations(total, pixel, quality, units, timing, whole);
}

#define FIT_RAMPS(name, values_of_thread)                                                                            \
    extern "C" __global__ void name(                                                                                 \
        const float* __restrict__ data, const uint8* __restrict__ groupdq, const uint32* __restrict__ pixeldq,       \
        const float* __restrict__ readnoise, const float* __restrict__ gain, const float* __restrict__ dark,         \
        const float* __restrict__ zeroframe, const float* __restrict__ table, int64 integrations, int64 groups,      \
        int64 pixels, int64 first, int64 last, int64 suppress_one_group, int64 ignore_first_jump,                    \
        int64 restore_charge_loss, double frame_time, double group_time, double first_group_time,                    \
        double noise_of_group, float* scratch,                                                                       \
        float* slope, uint32* dq, float* var_poisson, float* var_rnoise, float* err, float* slopes, uint32* dqs,     \
        float* vars_poisson, float* vars_rnoise, float* errs)                                                        \
    {                                                                                                                \
        Exposure exposure{data, groupdq, zeroframe, integrations, groups, pixels, first, last,                       \
                          suppress_one_group != 0, ignore_first_jump != 0};                                          \
        Timing timing{frame_time, group_time, first_group_time};                                                     \
        Rates whole{slope, dq, var_poisson, var_rnoise, err};                                                        \
        Rates each{slopes, dqs, vars_poisson, vars_rnoise, errs};                                                    \
        auto steps = values_of_thread;                                                                               \
        FOR_EACH_PIXEL(pixel, pixels)                                                                                \
            fit_pixel(                                                                                               \
                exposure, pixel, steps, pixeldq[pixel], readnoise[pixel], gain[pixel], dark ? dark[pixel] : 0.0f,    \
                table, (float)noise_of_group, timing, restore_charge_loss != 0, each, whole);                        \
    }

FIT_RAMPS(fit_ramps_8, Own<8>())
FIT_RAMPS(fit_ramps_16, Own<16>())
FIT_RAMPS(fit_ramps_32, Own<32>())
FIT_RAMPS(fit_ramps_any, own_scratch(scratch))
