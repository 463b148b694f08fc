enum Method { ITERATIVE, SINGLE_PASS, CLIP_GROUPS, CLIP_ALL };
constexpr uint8 STRONG = 1;  // the first of the marks of a difference; one for each level follows
constexpr int MOST_LEVELS = 7;
constexpr int CLIP_TURNS = 5;

struct Ramps {
    const float* data;
    const uint8* groupdq;
    int64 integrations, groups, pixels;

    __device__ int64 sample(int64 integration, int64 group, int64 pixel) const
    {
        return (integration * groups + group) * pixels + pixel;
    }

    __device__ float electrons(int64 at, float gain) const { return electrons_of(data[at], groupdq[at], gain); }

    __device__ float difference(int64 at, float gain) const
    {
        return electrons(at, gain) - electrons(at - pixels, gain);
    }
};

struct Thresholds {
    double four_or_more, three, two;
};

struct Bounds {
    double lower, upper;
};

// Put the differences of some groups into `values`, sorted; returns how many are not missing. Functions that are used
// twice are not inlined: it would double the time of compilation.
template <class Values>
__device__ __noinline__ int rank(const Ramps& ramps, int64 pixel, int64 first, int64 last, float gain, Values& values)
{
    int total = 0, count = 0;
    for (int64 i = 0; i < ramps.integrations; i++)
        for (int64 g = first; g <= last; g++) {
            float difference = ramps.difference(ramps.sample(i, g, pixel), gain);
            count += !isnan(difference);
            values[total++] = isnan(difference) ? MISSING : difference;
        }
    sort(values, total);
    return count;
}

// See gpipe.jump.sigma_clip.clipped: sorted values that are inside follow each other.
template <class Values>
__device__ __noinline__ Bounds clip_bounds(const Values& values, int total, int count, double threshold)
{
    Bounds bounds{NOT_A_NUMBER, NOT_A_NUMBER};
    if (count == 0 || values[total - 1] > MISSING) return bounds;  // none, or an infinite one: no scatter around it
    int begin = 0, end = count;
    for (int turn = 0; turn < CLIP_TURNS && begin < end; turn++) {
        int left = end - begin;
        double sum = 0.0, squares = 0.0;
        for (int k = begin; k < end; k++) sum += values[k];
        double mean = sum / left;
        for (int k = begin; k < end; k++) squares += (values[k] - mean) * (values[k] - mean);
        double reach = threshold * sqrt(squares / left);
        double low = values[begin + (left - 1) / 2], high = values[begin + left / 2];
        double middle = 0.5 * low + 0.5 * high;
        bounds = {middle - reach, middle + reach};
        while (begin < end && values[begin] < bounds.lower) begin++;
        while (begin < end && values[end - 1] > bounds.upper) end--;
    }
    return bounds;
}

__device__ inline bool is_jump(float difference, float off, float sigma, Method method, Bounds bounds, float threshold)
{
    if (method == SINGLE_PASS) return off > threshold * sigma;
    if (method == ITERATIVE) return fabsf(difference) >= bounds.upper || fabsf(difference) <= bounds.lower;
    return difference < bounds.lower || difference > bounds.upper;
}

// Flags of the jumps themselves, and marks of differences that flags spread from if they are jumps.
template <class Values>
__device__ void find_jumps(
    const Ramps& ramps, Values& values, int64 pixel, float gain, float readnoise, Method method,
    const Thresholds& thresholds, float frames, bool spreads, float least, float most, const float* levels,
    int level_count, uint8* found, uint8* marks)
{
    int total = (int)(ramps.integrations * (ramps.groups - 1));
    int count = rank(ramps, pixel, 1, ramps.groups - 1, gain, values);
    float flux = median(values, 0, count);
    float variance = variance_of_reading(readnoise, gain, frames), sigma = noise_of(flux, variance);
    Bounds bounds{};
    if (method == CLIP_ALL) bounds = clip_bounds(values, total, count, thresholds.four_or_more);
    if (method == ITERATIVE) {
        for (int k = 0; k < total; k++) values[k] = fabsf(values[k]);
        sort(values, total);
        Limits limits{(float)thresholds.four_or_more, (float)thresholds.three, (float)thresholds.two};
        Magnitudes magnitudes = jump_magnitudes(values, total, count, variance, limits);
        bounds = {magnitudes.lower, magnitudes.upper};
    }
    for (int64 i = 0; i < ramps.integrations; i++) {
        int64 at = ramps.sample(i, 0, pixel);
        found[at] = ramps.groupdq[at];
        marks[at] = 0;
    }
    for (int64 g = 1; g < ramps.groups; g++) {
        if (method == CLIP_GROUPS) {
            count = rank(ramps, pixel, g, g, gain, values);
            bounds = clip_bounds(values, (int)ramps.integrations, count, thresholds.four_or_more);
        }
        for (int64 i = 0; i < ramps.integrations; i++) {
            int64 at = ramps.sample(i, g, pixel);
            float difference = ramps.difference(at, gain), excess = difference - flux, off = fabsf(excess);
            bool jump = is_jump(difference, off, sigma, method, bounds, (float)thresholds.four_or_more);
            bool strong = spreads && off > least * sigma && off < most * sigma;
            unsigned mark = strong ? STRONG : 0;
            for (int a = 0; a < level_count; a++) mark |= (excess >= levels[a] ? STRONG << 1 : 0) << a;
            found[at] = ramps.groupdq[at] | (jump ? JUMP_DET : 0);
            marks[at] = (uint8)mark;
        }
    }
}

#define FIND_JUMPS(name, values_of_thread)                                                                           \
    extern "C" __global__ void name(                                                                                 \
        const float* __restrict__ data, const uint8* __restrict__ groupdq, const float* __restrict__ gain,           \
        const float* __restrict__ readnoise, int64 integrations, int64 groups, int64 pixels, int64 method,           \
        double four_or_more, double three, double two, int64 frames, int64 spreads, double least, double most,       \
        const float* __restrict__ levels, int64 level_count, float* scratch, uint8* __restrict__ found,              \
        uint8* __restrict__ marks)                                                                                   \
    {                                                                                                                \
        Ramps ramps{data, groupdq, integrations, groups, pixels};                                                    \
        Thresholds thresholds{four_or_more, three, two};                                                             \
        auto values = values_of_thread;                                                                              \
        FOR_EACH_PIXEL(pixel, pixels)                                                                                \
            find_jumps(                                                                                              \
                ramps, values, pixel, gain[pixel], readnoise[pixel], (Method)method, thresholds, (float)frames,      \
                spreads != 0, (float)least, (float)most, levels, (int)level_count, found, marks);                    \
    }

FIND_JUMPS(find_jumps_8, Own<8>())
FIND_JUMPS(find_jumps_16, Own<16>())
FIND_JUMPS(find_jumps_32, Own<32>())
FIND_JUMPS(find_jumps_any, own_scratch(scratch))

struct Found {
    const uint8 *flags, *marks, *full;
    int64 rows, columns;

    // `group` counts the groups of all integrations.
    __device__ unsigned flag(int64 group, int64 pixel) const
    {
        unsigned flag = flags[group * rows * columns + pixel];
        return full && full[group] && flag == JUMP_DET ? 0 : flag;
    }

    __device__ bool spreads(int64 group, int64 pixel) const
    {
        return (marks[group * rows * columns + pixel] & STRONG) && (flag(group, pixel) & JUMP_DET);
    }

    __device__ bool reached(int64 group, int64 pixel) const
    {
        int64 row = pixel / columns, column = pixel % columns;
        return (row > 0 && spreads(group, pixel - columns)) || (row + 1 < rows && spreads(group, pixel + columns)) ||
               (column > 0 && spreads(group, pixel - 1)) || (column + 1 < columns && spreads(group, pixel + 1));
    }
};

// Flag neighbours of strong jumps, then the groups after large ones; returns how many jumps there were before.
__device__ int spread_in_ramp(
    const Found& found, int64 integration, int64 groups, int64 pixel, const int64* reach, int level_count,
    uint8* groupdq)
{
    int64 left[MOST_LEVELS] = {};
    int primary = 0;
    for (int64 g = 0; g < groups; g++) {
        int64 group = integration * groups + g, at = group * found.rows * found.columns + pixel;
        unsigned flag = found.flag(group, pixel);
        bool usable = !(flag & UNUSABLE);
        primary += (flag & JUMP_DET) != 0;
        if (g > 0 && found.reached(group, pixel)) flag |= JUMP_DET;
        bool follows = false;
        for (int a = 0; a < level_count; a++) {
            bool large = g > 0 && (found.marks[at] >> (a + 1) & 1) && (flag & JUMP_DET);
            follows |= left[a] > 0;
            left[a] = large ? reach[a] : left[a] - 1;
        }
        if (follows) flag |= JUMP_DET;
        groupdq[at] = (uint8)(usable ? flag : flag & ~JUMP_DET);
    }
    return primary;
}

extern "C" __global__ void spread_jumps(
    const uint8* __restrict__ flags, const uint8* __restrict__ marks, const uint8* __restrict__ full,
    int64 integrations, int64 groups, int64 rows, int64 columns, const int64* __restrict__ reach, int64 level_count,
    uint8* __restrict__ groupdq, unsigned long long* primary)
{
    Found found{flags, marks, full, rows, columns};
    FOR_EACH_PIXEL(pixel, rows * columns)
    {
        int jumps = 0;
        for (int64 i = 0; i < integrations; i++)
            jumps += spread_in_ramp(found, i, groups, pixel, reach, (int)level_count, groupdq);
        if (jumps) atomicAdd(primary + pixel / columns, (unsigned long long)jumps);
    }
}
