/* Darks at the sampling of an exposure, each frame read once. */
#include "common.h"

#define WIDTH 2048 /* pixels that are summed at once, so that sums stay in the cache */

KERNEL(void, dark_average, (const float *restrict frames, float *restrict means, int64_t number, int64_t rows,
                            int64_t columns, int64_t groups))
{
    int64_t each = number / groups, pixels = rows * columns;
    float count = (float)each;
    for (int64_t g = 0; g < groups; g++) {
        for (int64_t at = 0; at < pixels; at += WIDTH) {
            int64_t n = smaller(WIDTH, pixels - at);
            float *restrict mean = means + g * pixels + at;
            memset(mean, 0, (size_t)n * sizeof *mean);
            for (int64_t k = g * each; k < (g + 1) * each; k++) {
                const float *restrict frame = frames + k * pixels + at;
                for (int64_t c = 0; c < n; c++)
                    mean[c] += frame[c] != frame[c] ? 0.0f : frame[c];
            }
            for (int64_t c = 0; c < n; c++)
                mean[c] /= count;
        }
    }
}
