/* Drizzle of some rows of an exposure onto a tile of the grid: gpipe.resample.drizzle.
 *
 * Pixels of the exposure are taken row by row, and add to the sums of the grid pixels that they reach, all planes at
 * once. Whoever calls this cuts a tile into bands for threads. A sum gets its terms in the order of the exposure's rows
 * and columns whatever the band.
 */
#include "pixel.h"

#include "../shared/drizzle.cuh"
#include "places.h"
#include "sums.h"

#define ROWS_AT_ONCE 32
#define COLUMNS_AT_ONCE 64

typedef struct {
    int64_t x0, x1, y0, y1; /* pixels that count */
} Counted;

/* Corners of the pixels of a row, and slopes of the edges that follow them, (corner, pixel). */
typedef struct {
    double *x, *y, *slope;
} Corners;

INLINED void between(const double *restrict here, const double *restrict there, double half, int64_t n,
                     double *restrict found)
{
    for (int64_t c = 0; c < n; c++)
        found[c] = (1.0 - half) * here[c] + half * there[c];
}

/* A coordinate of the four corners: between columns of the row and of the row below or above, then between these. */
static void find_corners(const double *below, const double *here, const double *above, double half, int64_t n,
                         double *restrict sides, double *found)
{
    for (int64_t k = 0; k < 4; k++) {
        int64_t step = k == 0 || k == 3 ? -1 : 1;
        const double *other = k < 2 ? below : above;
        double *side = sides, *side_of_other = sides + n;
        between(here, here + step, half, n, side);
        between(other, other + step, half, n, side_of_other);
        between(side, side_of_other, half, n, found + k * n);
    }
}

static void find_slopes(Corners corners, int64_t n)
{
    for (int64_t k = 0; k < 4; k++) {
        int64_t next = (k + 1) & 3;
        const double *restrict x0 = corners.x + k * n, *restrict y0 = corners.y + k * n;
        const double *restrict x1 = corners.x + next * n, *restrict y1 = corners.y + next * n;
        double *restrict slope = corners.slope + k * n;
        for (int64_t c = 0; c < n; c++)
            slope[c] = slope_of(x0[c], y0[c], x1[c], y1[c]);
    }
}

/* Add the area under the edges, in one column of the grid, to that of some of its rows. */
INLINED void add_under(const Quad *quad, double left, int64_t first_row, int64_t rows, double *restrict under)
{
    for (int64_t r = 0; r < rows; r++)
        under[r] = 0.0;
    for (int edge = 0; edge < 4; edge++) {
        Piece piece = piece_of(quad, edge, left);
        if (piece.width == 0.0)
            continue;
        for (int64_t r = 0; r < rows; r++) {
            double bottom = (double)(first_row + r) - 0.5;
            under[r] += piece.width * mean_height(piece.low - bottom, piece.high - bottom);
        }
    }
}

INLINED void add_column(const Quad *quad, double per_area, int64_t column, Span rows, const Tile *tile,
                        const Pixel *pixel, int64_t planes)
{
    double under[ROWS_AT_ONCE], left = (double)column - 0.5;
    for (int64_t first = rows.first; first <= rows.last; first += ROWS_AT_ONCE) {
        int64_t n = smaller(ROWS_AT_ONCE, rows.last + 1 - first);
        add_under(quad, left, first, n, under);
        for (int64_t r = 0; r < n; r++) {
            double share = overlap_of(quad, under[r]) * per_area;
            if (share > 0.0)
                add_share(tile, first + r, column, share, pixel, planes);
        }
    }
}

INLINED double least(const double *x)
{
    double a = x[0] < x[1] ? x[0] : x[1], b = x[2] < x[3] ? x[2] : x[3];
    return a < b ? a : b;
}

INLINED double greatest(const double *x)
{
    double a = x[0] > x[1] ? x[0] : x[1], b = x[2] > x[3] ? x[2] : x[3];
    return a > b ? a : b;
}

/* Add a quadrilateral. One that lies in a single grid pixel needs no clipping. */
INLINED void add_quad(const Quad *quad, const Exposure *exposure, int64_t at, const Tile *tile, int64_t planes)
{
    double size = fabs(quad->area), per_area = (double)exposure->weight[at] / size;
    if (!(size > 0.0 && per_area > 0.0 && per_area < (double)INFINITY))
        return;
    Span columns = span_of(least(quad->x), greatest(quad->x), tile->first_column, tile->end_column);
    Span rows = span_of(least(quad->y), greatest(quad->y), tile->first_row, tile->end_row);
    if (columns.first > columns.last || rows.first > rows.last)
        return;
    Pixel pixel = pixel_at(exposure, at, planes);
    for (int64_t column = columns.first; column <= columns.last; column++)
        if (rows.first == rows.last && lies_in(quad, (double)column - 0.5, (double)rows.first - 0.5))
            add_share(tile, rows.first, column, size * per_area, &pixel, planes);
        else
            add_column(quad, per_area, column, rows, tile, &pixel, planes);
}

INLINED void add_quads(Corners corners, const Exposure *exposure, int64_t at, int64_t n, const Tile *tile,
                       int64_t planes)
{
    for (int64_t c = 0; c < n; c++) {
        if (!(exposure->weight[at + c] > 0.0f))
            continue;
        Quad quad;
        for (int64_t k = 0; k < 4; k++) {
            quad.x[k] = corners.x[k * n + c];
            quad.y[k] = corners.y[k * n + c];
            quad.slope[k] = corners.slope[k * n + c];
        }
        quad.area = area_of(quad.x, quad.y);
        add_quad(&quad, exposure, at + c, tile, planes);
    }
}

static void add_row_of_quads(Corners corners, const Exposure *exposure, int64_t at, int64_t n, const Tile *tile,
                             int64_t planes)
{
    if (planes == 1)
        add_quads(corners, exposure, at, n, tile, 1);
    else if (planes == 2)
        add_quads(corners, exposure, at, n, tile, 2);
    else if (planes == 4)
        add_quads(corners, exposure, at, n, tile, 4);
    else
        add_quads(corners, exposure, at, n, tile, planes);
}

/* Tell whether rows around this one may reach the tile; `half` is added to what a row reaches. */
static bool reaches(const Map *map, int64_t number, int64_t around, double half, const Tile *tile)
{
    Range range = {INFINITY, -INFINITY};
    for (int64_t j = number - around; j <= number + around; j++) {
        Range one = rows_of(map, j);
        range.low = one.low < range.low ? one.low : range.low;
        range.high = one.high > range.high ? one.high : range.high;
    }
    return range.high + half >= (double)tile->first_row - 1.0 && range.low - half <= (double)tile->end_row;
}

static void square(Places *places, Counted counted, double half, double *memory, const Exposure *exposure,
                   const Tile *tile, int64_t planes)
{
    int64_t n = counted.x1 - counted.x0 + 1, whole_line = places->columns + 2, start = counted.x0 - places->map.x0 + 1;
    Corners corners = {memory, memory + 4 * n, memory + 8 * n};
    double *sides = memory + 12 * n;
    for (int64_t j = counted.y0; j <= counted.y1; j++) {
        if (!reaches(&places->map, j, 1, 0.0, tile))
            continue;
        const double *here = line_at(places, j) + start;
        const double *below = line_at(places, j - 1) + start, *above = line_at(places, j + 1) + start;
        find_corners(below, here, above, half, n, sides, corners.x);
        find_corners(below + whole_line, here + whole_line, above + whole_line, half, n, sides, corners.y);
        find_slopes(corners, n);
        int64_t at = (j - exposure->first_row) * exposure->columns + counted.x0;
        add_row_of_quads(corners, exposure, at, n, tile, planes);
    }
}

/* Add a pixel whose kernel is a product of two profiles. */
static void add_point(const Profile *profile, double x, double y, double half_width, double weight,
                      const Exposure *exposure, int64_t at, const Tile *tile, int64_t planes)
{
    Span columns = span_of(x - half_width, x + half_width, tile->first_column, tile->end_column);
    Span rows = span_of(y - half_width, y + half_width, tile->first_row, tile->end_row);
    if (columns.first > columns.last || rows.first > rows.last)
        return;
    Pixel pixel = pixel_at(exposure, at, planes);
    double along[COLUMNS_AT_ONCE];
    for (int64_t first = columns.first; first <= columns.last; first += COLUMNS_AT_ONCE) {
        int64_t n = smaller(COLUMNS_AT_ONCE, columns.last + 1 - first);
        for (int64_t c = 0; c < n; c++)
            along[c] = weight_along(profile, x, (double)(first + c));
        for (int64_t row = rows.first; row <= rows.last; row++) {
            double of_row = weight_along(profile, y, (double)row);
            for (int64_t c = 0; c < n; c++) {
                double share = weight * (along[c] * of_row);
                if (share != 0.0)
                    add_share(tile, row, first + c, share, &pixel, planes);
            }
        }
    }
}

static void spread(Places *places, Counted counted, const Profile *profile, double half_width, double norm,
                   const Exposure *exposure, const Tile *tile, int64_t planes)
{
    int64_t n = counted.x1 - counted.x0 + 1, whole_line = places->columns + 2, start = counted.x0 - places->map.x0 + 1;
    for (int64_t j = counted.y0; j <= counted.y1; j++) {
        if (!reaches(&places->map, j, 0, half_width, tile))
            continue;
        const double *x = line_at(places, j) + start, *y = x + whole_line;
        int64_t at = (j - exposure->first_row) * exposure->columns + counted.x0;
        for (int64_t c = 0; c < n; c++) {
            double weight = (double)exposure->weight[at + c] * norm;
            if (weight > 0.0 && weight < (double)INFINITY)
                add_point(profile, x[c], y[c], half_width, weight, exposure, at + c, tile, planes);
        }
    }
}

/* `box`, `counted` and `tile` are columns and rows of `Map`, `Counted` and rows and columns of `Tile`. A kernel of kind
 * 0 is the square. `memory` is for places and corners. */
KERNEL(void, drizzle_add, (const float *restrict first, const float *restrict second, const float *restrict third,
                           const float *restrict fourth, const float *restrict fifth, const float *restrict weight,
                           const uint32_t *restrict dq, int64_t first_row, const double *restrict coefficients,
                           const double *restrict domain, const double *restrict places, int64_t first_line,
                           const int64_t *restrict box, const int64_t *restrict counted, const int64_t *restrict tile,
                           int64_t kind, double half, double radius, double scale, double norm, double half_width,
                           const double *restrict table, double *restrict memory, double *restrict sums,
                           uint32_t *restrict flags, int64_t rows, int64_t columns, int64_t tiles_y, int64_t tiles_x,
                           int64_t degrees_y, int64_t degrees_x, int64_t lines, int64_t across, int64_t entries,
                           int64_t room, int64_t height, int64_t width, int64_t values))
{
    Map map = {coefficients, domain, places, tiles_y, tiles_x, degrees_y, degrees_x, first_line, lines,
               box[0], box[1], box[2], box[3]};
    Exposure exposure = {{first, second, third, fourth, fifth}, weight, dq, first_row, columns};
    Tile in_hand = {tile[0], tile[1], tile[2], tile[3], sums, flags};
    Counted these = {counted[0], counted[1], counted[2], counted[3]};
    Places all = open_places(map, memory);
    Profile profile = {kind, radius, scale, table, entries};
    if (kind == 0)
        square(&all, these, half, all.lines[2] + 2 * (all.columns + 2), &exposure, &in_hand, values - 1);
    else
        spread(&all, these, &profile, half_width, norm, &exposure, &in_hand, values - 1);
}
