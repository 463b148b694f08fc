/* Darks at the sampling of an exposure, each frame read once. */
#include <float.h>

#include "common.h"

#define WIDTH 2048 /* pixels that are summed at once, so that sums stay in the cache */
#define STRETCH (16 * WIDTH) /* pixels whose gaps stay in the cache from group to group */

INLINED float known(float x)
{
    return x != x ? 0.0f : x;
}

/* A pixel that is not finite is a gap. */
INLINED float gap_of(float x, float before)
{
    return fabsf(x) <= FLT_MAX ? before : 1.0f;
}

/* The mean of `each` frames, which are `step` apart. */
static void average(const float *restrict frame, int64_t each, int64_t step, int64_t n, float *restrict mean,
                    float *restrict gap)
{
    for (int64_t c = 0; c < n; c++) {
        float x = frame[c], before = gap[c];
        mean[c] = 0.0f + known(x); /* -0 becomes 0, as in a sum */
        gap[c] = gap_of(x, before);
    }
    for (int64_t k = 1; k < each; k++)
        for (int64_t c = 0; c < n; c++) {
            float x = frame[k * step + c], before = gap[c];
            mean[c] += known(x);
            gap[c] = gap_of(x, before);
        }
    if (each == 1)
        return;
    float count = (float)each;
    for (int64_t c = 0; c < n; c++)
        mean[c] /= count;
}

static void average_stretch(const float *frame, int64_t each, int64_t step, int64_t n, float *mean, float *gap)
{
    for (int64_t at = 0; at < n; at += WIDTH)
        average(frame + at, each, step, smaller(WIDTH, n - at), mean + at, gap + at);
}

KERNEL(void, dark_average, (const float *restrict frames, float *restrict means, int64_t number, int64_t rows,
                            int64_t columns, int64_t planes))
{
    int64_t groups = planes - 1, each = number / groups, pixels = rows * columns;
    float *gaps = means + groups * pixels;
    for (int64_t at = 0; at < pixels; at += STRETCH) {
        int64_t n = smaller(STRETCH, pixels - at);
        memset(gaps + at, 0, (size_t)n * sizeof *gaps);
        for (int64_t g = 0; g < groups; g++)
            average_stretch(frames + g * each * pixels + at, each, pixels, n, means + g * pixels + at, gaps + at);
    }
}
