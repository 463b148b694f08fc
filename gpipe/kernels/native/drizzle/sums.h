/* Sums of a tile of the grid, and the planes of an exposure that are added to them. */
#ifndef GPIPE_SUMS_H
#define GPIPE_SUMS_H

#include "common.h"
#include "places.h"

#define MOST_PLANES 5

/* Rows in hand of an exposure: planes, weights and, if not null, flags. */
typedef struct {
    const float *planes[MOST_PLANES], *weight;
    const uint32_t *dq;
    int64_t first_row, columns;
} Exposure;

/* `sums` are (row, column, value), with the weight as the last value; `flags` may be null. */
typedef struct {
    int64_t first_row, end_row, first_column, end_column;
    double *sums;
    uint32_t *flags;
} Tile;

/* The values of a pixel: those of its planes, then 1, and its flags. */
typedef struct {
    double values[MOST_PLANES + 1];
    uint32_t flags;
} Pixel;

INLINED Pixel pixel_at(const Exposure *exposure, int64_t at, int64_t planes)
{
    Pixel pixel;
    for (int64_t k = 0; k < planes; k++)
        pixel.values[k] = (double)exposure->planes[k][at];
    pixel.values[planes] = 1.0;
    pixel.flags = exposure->dq ? exposure->dq[at] : 0;
    return pixel;
}

INLINED void add_share(const Tile *tile, int64_t row, int64_t column, double share, const Pixel *pixel, int64_t planes)
{
    int64_t at = (row - tile->first_row) * (tile->end_column - tile->first_column) + column - tile->first_column;
    double *sums = tile->sums + at * (planes + 1);
    for (int64_t k = 0; k <= planes; k++)
        sums[k] += share * pixel->values[k];
    if (tile->flags && share > 0.0)
        tile->flags[at] |= pixel->flags;
}

/* Whole numbers from `first` to `last`, those between `begin` and `end` (not included) whose pixels reach from `low`
 * to `high`. None if one of these is not a number. */
typedef struct {
    int64_t first, last;
} Span;

INLINED Span span_of(double low, double high, int64_t begin, int64_t end)
{
    Span none = {0, -1};
    if (!(high >= (double)begin - 0.5 && low <= (double)end - 0.5))
        return none;
    double first = low + 0.5 > (double)begin ? low + 0.5 : (double)begin;
    double last = high + 0.5 < (double)(end - 1) ? high + 0.5 : (double)(end - 1);
    return (Span){(int64_t)floor_of(first), (int64_t)floor_of(last)};
}

#endif
