/* Samples of IRS2 outputs about their mean. A tile, some columns of a block of rows, is turned in the cache.
 *
 * CUDA has no such kernels: CuPy runs the portable functions of gpipe.refpix.irs2.samples on the device. One would take
 * a tile for each block of threads, turn it in shared memory, and do the same operations in float64.
 */
#include "common.h"
#include "irs2/blocks.h"
#include "irs2/fours.h"

#define TOGETHER 4 /* groups that are added in one loop */
#define WIDTH 128  /* columns that are worked on at once */
#define LINE 64    /* bytes of a line of the cache */
#define NONE (-1)  /* in the place of a row: there is none to read */

typedef struct {
    float at[BLOCK][WIDTH];
} Tile;

/* Add what `number` groups, a constant, are above the first one, in their order; groups are `step` elements apart. */
INLINED void add_differences(const float *restrict counts, int64_t step, int64_t number, const float *restrict first,
                             double *restrict sum, int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        double total = sum[c], lowest = (double)first[c];
        for (int64_t g = 0; g < number; g++)
            total += (double)counts[g * step + c] - lowest;
        sum[c] = total;
    }
}

/* How far the mean over groups is above the first one, in some columns of a row. */
INLINED void find_rise(const float *first, int64_t step, int64_t groups, double *restrict rise, int64_t n)
{
    double sum[WIDTH] = {0}, number = (double)groups;
    int64_t g = 1;
    for (; g + TOGETHER <= groups; g += TOGETHER)
        add_differences(first + g * step, step, TOGETHER, first, sum, n);
    if (groups - g == 3)
        add_differences(first + g * step, step, 3, first, sum, n);
    else if (groups - g == 2)
        add_differences(first + g * step, step, 2, first, sum, n);
    else if (groups - g == 1)
        add_differences(first + g * step, step, 1, first, sum, n);
    for (int64_t c = 0; c < n; c++)
        rise[c] = sum[c] / number;
}

/* The same of rows from `start` to `stop`. */
KERNEL(void, irs2_rise, (const float *restrict counts, int64_t start, int64_t stop, double *restrict rise,
                         int64_t groups, int64_t rows, int64_t columns))
{
    for (int64_t r = start; r < stop; r++) {
        int64_t at = r * columns, end = at + columns;
        for (; at + WIDTH <= end; at += WIDTH)
            find_rise(counts + at, rows * columns, groups, rise + at, WIDTH);
        if (at < end)
            find_rise(counts + at, rows * columns, groups, rise + at, end - at);
    }
}

/* An output, (row, column), from some column on; `ahead`: how many columns are next. */
typedef struct {
    const float *counts, *first;
    const double *rise;
    int64_t columns, ahead;
} Pixels;

/* Fetch the next columns of a row into the cache: the processor does not foresee so many rows that take turns. */
INLINED void prefetch(const void *row, int64_t size)
{
    for (int64_t k = 0; k < size; k += LINE)
        __builtin_prefetch((const char *)row + k, 0, 2);
}

INLINED void prefetch_next(Pixels x, int64_t at)
{
    prefetch(x.counts + at, x.ahead * (int64_t)sizeof *x.counts);
    prefetch(x.first + at, x.ahead * (int64_t)sizeof *x.first);
    prefetch(x.rise + at, x.ahead * (int64_t)sizeof *x.rise);
}

INLINED float difference(Pixels x, int64_t at)
{
    return (float)((double)x.counts[at] - (double)x.first[at] - x.rise[at]);
}

INLINED float zero_for_nan(float x)
{
    return x != x ? 0.0f : x;
}

/* Differences of one row from the mean, or the mean of those of two rows. */
INLINED void fill_row(Pixels x, int64_t one, int64_t other, float *restrict out, int64_t n)
{
    int64_t at = one * x.columns, other_at = other * x.columns;
    if (one == NONE) {
        memset(out, 0, (size_t)n * sizeof *out);
    } else if (other == one) {
        prefetch_next(x, at + n);
        for (int64_t c = 0; c < n; c++)
            out[c] = zero_for_nan(difference(x, at + c));
    } else {
        for (int64_t c = 0; c < n; c++)
            out[c] = zero_for_nan(0.5f * (difference(x, at + c) + difference(x, other_at + c)));
    }
}

/* Write each column of a tile to a line; lines are `step` elements apart. */
static void turn(const Tile *tile, int64_t n, float *lines, int64_t step)
{
    int64_t c = 0;
    for (; c + FOUR <= n; c += FOUR)
        for (int64_t k = 0; k < BLOCK; k += FOUR)
            turn_four(&tile->at[k][c], WIDTH, lines + c * step + k, step);
    for (; c < n; c++)
        for (int64_t k = 0; k < BLOCK; k++)
            lines[c * step + k] = tile->at[k][c];
}

/* The inverse, of normal pixels. */
static void turn_back(const float *lines, int64_t step, int64_t n, Tile *tile)
{
    int64_t c = 0;
    for (; c + FOUR <= n; c += FOUR) {
        for (int64_t k = 0; k < HALF; k += FOUR) {
            turn_four(lines + c * step + k, step, &tile->at[k][c], WIDTH);
            turn_four(lines + c * step + AFTER + k, step, &tile->at[AFTER + k][c], WIDTH);
        }
    }
    for (; c < n; c++)
        for (int64_t k = 0; k < BLOCK; k++)
            tile->at[k][c] = lines[c * step + k];
}

/* Where the samples of a tile lie, whose first pixel is (row, column): the first of them, and from line to line. */
INLINED int64_t place_of(int64_t row, int64_t column, int64_t rows, int64_t columns, bool columns_back, bool rows_back)
{
    int64_t line = columns_back ? columns - 1 - column : column;
    return line * rows + (rows_back ? rows - BLOCK - row : row);
}

/* `samples`: differences from the mean of the two rows that `one` and `other` name for each row. */
KERNEL(void, irs2_samples, (const float *restrict counts, const float *restrict first, const double *restrict rise,
                            const int64_t *restrict one, const int64_t *restrict other, bool columns_back,
                            bool rows_back, float *restrict samples, int64_t rows, int64_t columns))
{
    Tile tile;
    int64_t step = columns_back ? -rows : rows;
    for (int64_t r = 0; r + BLOCK <= rows; r += BLOCK) {
        for (int64_t c = 0; c < columns; c += WIDTH) {
            int64_t n = smaller(WIDTH, columns - c);
            Pixels x = {counts + c, first + c, rise + c, columns, smaller(WIDTH, columns - c - n)};
            for (int64_t k = 0; k < BLOCK; k++)
                fill_row(x, one[r + k], other[r + k], tile.at[rows_back ? BLOCK - 1 - k : k], n);
            turn(&tile, n, samples + place_of(r, c, rows, columns, columns_back, rows_back), step);
        }
    }
}

INLINED void add_mean(const float *restrict samples, const float *restrict first, const double *restrict rise,
                      float *restrict out, int64_t n)
{
    for (int64_t c = 0; c < n; c++)
        out[c] = (float)((double)samples[c] + ((double)first[c] + rise[c]));
}

/* `counts` of normal pixels: samples and their mean. */
KERNEL(void, irs2_counts, (const float *restrict samples, const float *restrict first, const double *restrict rise,
                           bool columns_back, bool rows_back, float *restrict counts,
                           int64_t columns, int64_t rows, int64_t normal))
{
    Tile tile;
    int64_t step = columns_back ? -rows : rows;
    for (int64_t r = 0; r + BLOCK <= rows; r += BLOCK) {
        for (int64_t c = 0; c < columns; c += WIDTH) {
            int64_t n = smaller(WIDTH, columns - c);
            int64_t ahead = smaller(WIDTH, columns - c - n);
            turn_back(samples + place_of(r, c, rows, columns, columns_back, rows_back), step, n, &tile);
            for (int64_t k = 0; k < BLOCK; k++) {
                if (k >= HALF && k < AFTER)
                    continue;
                int64_t pixel = (r + k) * columns + c, before = r / BLOCK * 2 * HALF + (k < HALF ? k : k - READS);
                prefetch(first + pixel + n, ahead * (int64_t)sizeof *first);
                prefetch(rise + pixel + n, ahead * (int64_t)sizeof *rise);
                add_mean(tile.at[rows_back ? BLOCK - 1 - k : k], first + pixel, rise + pixel,
                         counts + before * columns + c, n);
            }
        }
    }
}
