/* Linearity of groups that average several frames: these are rebuilt, a stretch of pixels at a time, and corrected one
 * by one. See gpipe.linearity.averaged_groups. */
#define WIDTH 512 /* pixels of a stretch: coefficients and frames stay in the nearest caches */
#define PITCH 528
#define ALIGNED _Alignas(64) /* as the longest vectors */

#include "linearity/polynomials.h"

/* A polynomial for each pixel of a stretch. */
typedef struct {
    const float *coeffs;
    int64_t powers;
} Polynomials;

/* A straight ramp for each pixel: counts in the middle of group 0 and their rise in a frame. */
typedef struct {
    ALIGNED float start[WIDTH], rise[WIDTH];
} Ramps;

/* Samples of a stretch of an integration; those of the next group are `step` elements behind. */
typedef struct {
    const float *data;
    const uint8_t *groupdq;
    int64_t groups, step, n;
} Samples;

/* The last group but one that is not saturated, group 1 if there are fewer than three. */
static void find_last(Samples samples, int32_t *restrict last)
{
    for (int64_t c = 0; c < samples.n; c++)
        last[c] = -2;
    for (int64_t g = 0; g < samples.groups; g++) {
        const uint8_t *restrict flags = samples.groupdq + g * samples.step;
        for (int64_t c = 0; c < samples.n; c++)
            last[c] += flags[c] & SATURATED ? 0 : 1;
    }
    for (int64_t c = 0; c < samples.n; c++)
        last[c] = last[c] < 1 ? 1 : last[c];
}

static void take_where_last(Samples samples, int64_t group, const int32_t *restrict last, float *restrict counts,
                            uint8_t *restrict flags)
{
    const float *restrict data = samples.data + group * samples.step;
    const uint8_t *restrict groupdq = samples.groupdq + group * samples.step;
    for (int64_t c = 0; c < samples.n; c++) {
        bool is_last = last[c] == (int32_t)group;
        counts[c] = is_last ? data[c] : counts[c];
        flags[c] = is_last ? groupdq[c] : flags[c];
    }
}

static void find_ramps(Samples samples, Polynomials forward, int64_t nframes, Ramps *ramps)
{
    int64_t n = samples.n;
    float *start = ramps->start, *rise = ramps->rise;
    ALIGNED int32_t last[WIDTH];
    ALIGNED float counts[WIDTH], stop[WIDTH];
    uint8_t flags[WIDTH];
    find_last(samples, last);
    memcpy(counts, samples.data + samples.step, (size_t)n * sizeof *counts);
    memcpy(flags, samples.groupdq + samples.step, (size_t)n);
    for (int64_t g = 2; g < samples.groups - 1; g++)
        take_where_last(samples, g, last, counts, flags);
    evaluate(forward.powers, forward.coeffs, samples.data, n, start);
    keep_saturated(samples.data, samples.groupdq, n, start);
    evaluate(forward.powers, forward.coeffs, counts, n, stop);
    keep_saturated(counts, flags, n, stop);
    for (int64_t c = 0; c < n; c++)
        rise[c] = rise_in_frame(start[c], stop[c], (float)last[c], (float)nframes);
}

/* Measured counts of a frame, and their sum. */
INLINED void measure_frame_n(int64_t powers, const float *restrict coeffs, const float *restrict start,
                             const float *restrict rise, float time, int64_t n, float *restrict frame,
                             float *restrict sum)
{
    for (int64_t c = 0; c < n; c++) {
        float value = polynomial(coeffs + c, powers, PITCH, straight_ramp(start[c], rise[c], time));
        frame[c] = value;
        sum[c] += value;
    }
}

static void measure_frame(Polynomials backward, const Ramps *ramps, float time, int64_t n, float *frame, float *sum)
{
    FOR_POWERS(measure_frame_n, backward.powers, backward.coeffs, ramps->start, ramps->rise, time, n, frame, sum)
}

INLINED void correct_frame_n(int64_t powers, const float *restrict coeffs, const float *restrict frame,
                             const float *restrict shift, int64_t n, float *restrict sum)
{
    for (int64_t c = 0; c < n; c++)
        sum[c] += polynomial(coeffs + c, powers, PITCH, frame[c] + shift[c]);
}

static void correct_frame(Polynomials forward, const float *frame, const float *shift, int64_t n, float *sum)
{
    FOR_POWERS(correct_frame_n, forward.powers, forward.coeffs, frame, shift, n, sum)
}

/* The shift of frames that gives them the mean that was measured, in place of their sum. */
static void find_shift(const float *restrict counts, float nframes, int64_t n, float *restrict sum)
{
    for (int64_t c = 0; c < n; c++)
        sum[c] = counts[c] - sum[c] / nframes;
}

static void take_mean(const float *restrict sum, float nframes, int64_t n, float *restrict out)
{
    for (int64_t c = 0; c < n; c++)
        out[c] = sum[c] / nframes;
}

/* `frames` is memory for the frames of a group. */
static void correct_integration(Samples samples, Polynomials forward, Polynomials backward, int64_t nframes,
                                float *frames, float *out)
{
    Ramps ramps;
    ALIGNED float shift[WIDTH], sum[WIDTH];
    find_ramps(samples, forward, nframes, &ramps);
    for (int64_t g = 0; g < samples.groups; g++) {
        const float *counts = samples.data + g * samples.step;
        memset(shift, 0, sizeof shift);
        for (int64_t f = 0; f < nframes; f++)
            measure_frame(backward, &ramps, time_of_frame(f, g, nframes), samples.n, frames + f * PITCH, shift);
        find_shift(counts, (float)nframes, samples.n, shift);
        memset(sum, 0, sizeof sum);
        for (int64_t f = 0; f < nframes; f++)
            correct_frame(forward, frames + f * PITCH, shift, samples.n, sum);
        take_mean(sum, (float)nframes, samples.n, out + g * samples.step);
        keep_saturated(counts, samples.groupdq + g * samples.step, samples.n, out + g * samples.step);
    }
}

/* `flags` get what inverse polynomials add. Memory for a stretch: `usable`, `usable_inverse` and `frames`. */
KERNEL(void, linearity_correct_frames,
       (const float *restrict data, const uint8_t *restrict groupdq, const float *restrict coeffs,
        const uint32_t *restrict coeffs_dq, const float *restrict inverse, float *restrict usable,
        float *restrict usable_inverse, float *restrict frames, float *restrict out, uint32_t *restrict flags,
        int64_t integrations, int64_t groups, int64_t rows, int64_t columns, int64_t powers, int64_t inverse_powers,
        int64_t nframes))
{
    int64_t pixels = rows * columns;
    Polynomials forward = {usable, powers}, backward = {usable_inverse, inverse_powers};
    for (int64_t at = 0; at < pixels; at += WIDTH) {
        int64_t n = smaller(WIDTH, pixels - at);
        make_usable(powers, coeffs + at, pixels, coeffs_dq + at, n, usable, flags + at);
        make_usable(inverse_powers, inverse + at, pixels, coeffs_dq + at, n, usable_inverse, flags + at);
        for (int64_t i = 0; i < integrations; i++) {
            int64_t first = i * groups * pixels + at;
            Samples samples = {data + first, groupdq + first, groups, pixels, n};
            correct_integration(samples, forward, backward, nframes, frames, out + first);
        }
    }
}
