/* Linearity of samples that are one frame, or treated as one: the coefficients of a stretch of pixels are read once for
 * all of their samples.
 *
 * CUDA compiles the arithmetic of a pixel, too (../shared). It does not share how coefficients are made usable: on the
 * GPU portable functions do that, and what a stretch keeps in memory here a thread has in registers.
 */
#define WIDTH 1024 /* pixels of a stretch */
#define PITCH 1040 /* lines 4096 bytes apart would share the same few places of the first cache */

#include "linearity/polynomials.h"

INLINED void correct_samples_n(int64_t powers, const float *restrict coeffs, const float *restrict counts,
                               const uint8_t *restrict flags, int64_t n, float *restrict out)
{
    for (int64_t c = 0; c < n; c++) {
        float x = counts[c], linear = polynomial(coeffs + c, powers, PITCH, x);
        out[c] = flags[c] & SATURATED ? x : linear;
    }
}

static void correct_samples(int64_t powers, const float *coeffs, const float *counts, const uint8_t *flags, int64_t n,
                            float *out)
{
    if (powers > KNOWN_POWERS) {
        evaluate(powers, coeffs, counts, n, out);
        keep_saturated(counts, flags, n, out);
        return;
    }
    FOR_POWERS(correct_samples_n, powers, coeffs, counts, flags, n, out)
}

/* Zero marks a bad sample. */
static void keep_zeros(const float *restrict counts, int64_t n, float *restrict out)
{
    for (int64_t c = 0; c < n; c++) {
        float linear = out[c];
        out[c] = counts[c] == 0.0f ? 0.0f : linear;
    }
}

static void join_flags(const uint32_t *restrict pixeldq, const uint32_t *restrict coeffs_dq, int64_t n,
                       uint32_t *restrict flags)
{
    for (int64_t c = 0; c < n; c++)
        flags[c] = pixeldq[c] | coeffs_dq[c];
}

/* `usable` is memory for the coefficients of a stretch. */
KERNEL(void, linearity_correct,
       (const float *restrict data, const uint8_t *restrict groupdq, const uint32_t *restrict pixeldq,
        const float *restrict coeffs, const uint32_t *restrict coeffs_dq, const float *restrict zeroframe,
        float *restrict usable, float *restrict out, uint32_t *restrict flags, float *restrict zero,
        int64_t integrations, int64_t groups, int64_t rows, int64_t columns, int64_t powers, int64_t zeros))
{
    int64_t pixels = rows * columns;
    for (int64_t at = 0; at < pixels; at += WIDTH) {
        int64_t n = smaller(WIDTH, pixels - at);
        join_flags(pixeldq + at, coeffs_dq + at, n, flags + at);
        make_usable(powers, coeffs + at, pixels, coeffs_dq + at, n, usable, flags + at);
        for (int64_t s = at; s < integrations * groups * pixels; s += pixels)
            correct_samples(powers, usable, data + s, groupdq + s, n, out + s);
        for (int64_t s = at; s < zeros * pixels; s += pixels) {
            evaluate(powers, usable, zeroframe + s, n, zero + s);
            keep_zeros(zeroframe + s, n, zero + s);
        }
    }
}
