/* Tiles: a stretch of columns of one detector row with all its samples, (value, column), small enough for the cache.
 *
 * A row of a tile begins `pitch` elements after the one before and has `n` columns. Loops run along the columns, where
 * neighbouring pixels do the same, so that the compiler makes vector code of them.
 */
#ifndef GPIPE_TILES_H
#define GPIPE_TILES_H

#include <float.h>

#include "common.h"

#define NARROWEST 64
#define WIDEST 512

INLINED void exchange(float *restrict low, float *restrict high, int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        float a = low[c], b = high[c];
        float least = b < a ? b : a, most = b < a ? a : b;
        low[c] = least;
        high[c] = most;
    }
}

/* Sort each column, ascending, by the network of gpipe.arrays.ranking. */
static inline void sort_tile(float *tile, int64_t pitch, int64_t rows, int64_t n)
{
    int64_t highest = 1;
    while (2 * highest < rows)
        highest *= 2;
    for (int64_t p = highest; p > 0; p /= 2) {
        int64_t q = highest, r = 0;
        for (int64_t distance = p; distance > 0; distance = q - p, q /= 2, r = p)
            for (int64_t start = r; start < rows - distance; start += 2 * p)
                for (int64_t i = start; i < smaller(start + p, rows - distance); i++)
                    exchange(tile + i * pitch, tile + (i + distance) * pitch, n);
    }
}

/* Copy `rows` rows of `values`, `step` elements apart, to `ranked` and sort each column; `count` gets how many are not
 * NaN. Missing values rank last, as the largest number. */
static inline void rank_tile(const float *values, int64_t step, float *ranked, int64_t pitch, int64_t rows, int64_t n,
                             int32_t *restrict count)
{
    memset(count, 0, (size_t)n * sizeof *count);
    for (int64_t k = 0; k < rows; k++) {
        const float *restrict source = values + k * step;
        float *restrict target = ranked + k * pitch;
        for (int64_t c = 0; c < n; c++) {
            bool missing = source[c] != source[c];
            target[c] = missing ? FLT_MAX : source[c];
            count[c] += missing ? 0 : 1;
        }
    }
    sort_tile(ranked, pitch, rows, n);
}

/* Median of the first `count` ranks of each column; NaN where there are none. */
static inline void median_tile(const float *restrict ranked, int64_t pitch, const int32_t *restrict count,
                               float *restrict middle, int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        int64_t last = count[c];
        middle[c] = last > 0 ? 0.5f * ranked[(last - 1) / 2 * pitch + c] + 0.5f * ranked[last / 2 * pitch + c] : NAN;
    }
}

#endif
