// Marks of a sample, by its own counts alone.
constexpr uint8 FULL = 1;     // saturated
constexpr uint8 FLOOR = 2;    // at the converter's floor
constexpr uint8 DILUTED = 4;  // as high as a mean with a saturated last frame
constexpr uint8 LATE = 8;     // a second group with a saturated frame that nothing announced

struct Cube {
    int64 groups, rows, columns;

    __device__ int64 pixels() const { return rows * columns; }

    __device__ int64 sample(int64 integration, int64 group, int64 pixel) const
    {
        return (integration * groups + group) * pixels() + pixel;
    }
};

// Whether `test(pixel)` holds within `reach` pixels of a pixel, diagonals included.
template <class Test>
__device__ bool any_around(const Cube& cube, int64 pixel, int64 reach, Test test)
{
    int64 row = pixel / cube.columns, column = pixel % cube.columns;
    int64 top = row > reach ? row - reach : 0, left = column > reach ? column - reach : 0;
    for (int64 y = top; y <= row + reach && y < cube.rows; y++)
        for (int64 x = left; x <= column + reach && x < cube.columns; x++)
            if (test(y * cube.columns + x)) return true;
    return false;
}

// `nframes` is 0 where groups are not known to average frames.
extern "C" __global__ void mark_samples(
    const float* __restrict__ data, const uint8* __restrict__ groupdq, const float* __restrict__ level,
    const uint8* __restrict__ unchecked, const float* __restrict__ bias, int64 integrations, int64 groups, int64 rows,
    int64 columns, int64 nframes, uint8* __restrict__ marks)
{
    Cube cube{groups, rows, columns};
    FOR_EACH_PIXEL(pixel, cube.pixels())
    {
        float limit = level[pixel];
        for (int64 i = 0; i < integrations; i++) {
            bool full = false;
            for (int64 g = 0; g < groups; g++) {
                int64 at = cube.sample(i, g, pixel);
                float counts = data[at];
                full |= counts >= limit;
                unsigned mark = full || (groupdq[at] & SATURATED) ? FULL : 0;
                mark |= counts <= 0.0f ? FLOOR : 0;
                if (nframes > 1 && hides_saturation(counts, limit, unchecked[pixel], dilution_of(g, nframes)))
                    mark |= DILUTED;
                float offset = bias ? bias[pixel] : 0.0f;
                bool is_second = nframes && g == 1;
                if (is_second && is_late(data[at - cube.pixels()], counts, limit, offset, nframes)) mark |= LATE;
                marks[at] = (uint8)mark;
            }
        }
    }
}

// Rules 1, 2 and 4 of gpipe.saturation.saturation.flag_saturation; `hidden` is where rule 3 begins. May be null.
extern "C" __global__ void flag_samples(
    const uint8* __restrict__ marks, const uint8* __restrict__ groupdq, int64 integrations, int64 groups, int64 rows,
    int64 columns, int64 grow, uint8* __restrict__ flags, uint8* __restrict__ hidden, int* saturated,
    int* at_floor)
{
    Cube cube{groups, rows, columns};
    FOR_EACH_PIXEL(pixel, cube.pixels())
    {
        unsigned seen = 0;
        for (int64 i = 0; i < integrations; i++) {
            bool next_full = false;
            for (int64 g = groups - 1; g >= 0; g--) {
                int64 at = cube.sample(i, g, pixel), group = at - pixel;
                unsigned mark = marks[at], flag = groupdq[at];
                if (any_around(cube, pixel, grow, [&](int64 other) { return marks[group + other] & FULL; }))
                    flag |= SATURATED;
                if (mark & FLOOR) flag |= AD_FLOOR | DO_NOT_USE;
                if (hidden) hidden[at] = (mark & DILUTED) && next_full && !(flag & UNUSABLE);
                bool full = flag & SATURATED;
                if ((mark & LATE) && next_full && !full) flag |= DO_NOT_USE;
                flags[at] = (uint8)flag;
                seen |= flag;
                next_full = full;
            }
        }
        if (seen & SATURATED) atomicAdd(saturated + pixel / columns, 1);
        if (seen & AD_FLOOR) atomicAdd(at_floor + pixel / columns, 1);
    }
}

// Rule 3: samples in and around hidden saturation are not to be used.
extern "C" __global__ void withdraw_hidden(
    const uint8* __restrict__ hidden, int64 integrations, int64 groups, int64 rows, int64 columns, int64 grow,
    uint8* __restrict__ flags)
{
    Cube cube{groups, rows, columns};
    FOR_EACH_PIXEL(pixel, cube.pixels())
        for (int64 group = 0; group < integrations * groups; group++) {
            const uint8* plane = hidden + group * cube.pixels();
            if (any_around(cube, pixel, grow, [&](int64 other) { return plane[other]; }))
                flags[group * cube.pixels() + pixel] |= DO_NOT_USE;
        }
}

extern "C" __global__ void clear_zeroframe(
    const float* __restrict__ zeroframe, const float* __restrict__ level, int64 integrations, int64 rows,
    int64 columns, int64 grow, float* __restrict__ cleared)
{
    Cube cube{1, rows, columns};
    FOR_EACH_PIXEL(pixel, cube.pixels())
        for (int64 i = 0; i < integrations; i++) {
            const float* plane = zeroframe + i * cube.pixels();
            auto full = [&](int64 other) { return plane[other] >= level[other]; };
            bool bad = plane[pixel] <= 0.0f || any_around(cube, pixel, grow, full);
            cleared[i * cube.pixels() + pixel] = bad ? 0.0f : plane[pixel];
        }
}
