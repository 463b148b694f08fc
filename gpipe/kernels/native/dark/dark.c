/* Darks at the sampling of an exposure, each frame read once. */
#include "common.h"

#define WIDTH 2048 /* pixels that are summed at once, so that sums stay in the cache */

INLINED float known(float x)
{
    return x != x ? 0.0f : x;
}

/* The mean of `each` frames, which are `step` apart. */
static void average(const float *restrict frame, int64_t each, int64_t step, int64_t n, float *restrict mean)
{
    for (int64_t c = 0; c < n; c++)
        mean[c] = 0.0f + known(frame[c]); /* -0 becomes 0, as in a sum */
    for (int64_t k = 1; k < each; k++)
        for (int64_t c = 0; c < n; c++)
            mean[c] += known(frame[k * step + c]);
    if (each == 1)
        return;
    float count = (float)each;
    for (int64_t c = 0; c < n; c++)
        mean[c] /= count;
}

KERNEL(void, dark_average, (const float *restrict frames, float *restrict means, int64_t number, int64_t rows,
                            int64_t columns, int64_t groups))
{
    int64_t each = number / groups, pixels = rows * columns;
    for (int64_t g = 0; g < groups; g++)
        for (int64_t at = 0; at < pixels; at += WIDTH)
            average(frames + g * each * pixels + at, each, pixels, smaller(WIDTH, pixels - at),
                    means + g * pixels + at);
}
