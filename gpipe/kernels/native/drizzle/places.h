/* Places of pixels in the grid, row after row of an exposure: gpipe.resample.placement.
 *
 * A line holds columns and rows in the grid of the pixels of one row of the box and of one more at either end. Three
 * lines are in hand: that of a row and those around it.
 */
#ifndef GPIPE_PLACES_H
#define GPIPE_PLACES_H

#include "common.h"

#define MOST_DEGREES 32
#define NO_LINE INT64_MIN

/* Where pixels lie: polynomials over tiles of the domain, or planes from row `first_line` on. */
typedef struct {
    const double *coefficients, *domain, *planes;
    int64_t tiles_y, tiles_x, degrees_y, degrees_x, first_line, lines;
    int64_t x0, x1, y0, y1; /* the box */
} Map;

/* `terms` are the Chebyshev polynomials of each column of the box, `tile` is that of each column. */
typedef struct {
    Map map;
    double *terms, *tile, *lines[3];
    int64_t numbers[3], columns;
} Places;

typedef struct {
    double low, high;
} Range;

INLINED double floor_of(double x)
{
    double cut = (double)(int64_t)x;
    return cut > x ? cut - 1.0 : cut;
}

/* The tile of a column or row, and its place in it from -1 to 1. */
static double in_tiles(double t, double low, double high, int64_t tiles, int64_t *tile)
{
    double size = high - low == 0.0 ? 1.0 : high - low, along = (t - low) / size * (double)tiles;
    double found = floor_of(along) > 0.0 ? floor_of(along) : 0.0, last = (double)tiles - 1.0;
    found = found < last ? found : last;
    *tile = (int64_t)found;
    return 2.0 * (along - found) - 1.0;
}

/* Memory for doubles: terms, tiles and three lines of two coordinates each. */
static Places open_places(Map map, double *memory)
{
    Places places = {.map = map, .terms = memory, .columns = map.x1 - map.x0 + 1};
    int64_t n = places.columns, k = map.coefficients ? map.degrees_x : 0;
    places.tile = memory + k * n;
    for (int64_t i = 0; i < 3; i++) {
        places.lines[i] = places.tile + n + 2 * i * (n + 2);
        places.numbers[i] = NO_LINE;
    }
    for (int64_t c = 0; k && c < n; c++) {
        int64_t tile;
        double u = in_tiles((double)(map.x0 + c), map.domain[0], map.domain[1], map.tiles_x, &tile);
        places.tile[c] = (double)tile;
        double *terms = places.terms + c;
        for (int64_t m = 0; m < k; m++)
            terms[m * n] = m == 0 ? 1.0 : m == 1 ? u : 2.0 * u * terms[(m - 1) * n] - terms[(m - 2) * n];
    }
    return places;
}

/* The coefficients of the degrees in x of one function in one tile, at a row. */
static void coefficients_at(const Map *map, int64_t function, int64_t tile_y, int64_t tile_x, double v, double *found)
{
    int64_t tile = (function * map->tiles_y + tile_y) * map->tiles_x + tile_x;
    const double *given = map->coefficients + tile * map->degrees_y * map->degrees_x;
    double terms[MOST_DEGREES] = {1.0, v};
    for (int64_t n = 2; n < map->degrees_y; n++)
        terms[n] = 2.0 * v * terms[n - 1] - terms[n - 2];
    for (int64_t m = 0; m < map->degrees_x; m++) {
        double total = given[m];
        for (int64_t n = 1; n < map->degrees_y; n++)
            total += given[n * map->degrees_x + m] * terms[n];
        found[m] = total;
    }
}

/* Rows of the grid that a row of the box may lie in, its ends half a pixel further on included. */
static Range rows_of(const Map *map, int64_t number)
{
    Range all = {-INFINITY, INFINITY}, found = {INFINITY, -INFINITY};
    if (!map->coefficients || number < map->y0 || number > map->y1)
        return all;
    int64_t tile_y;
    double v = in_tiles((double)number, map->domain[2], map->domain[3], map->tiles_y, &tile_y);
    double columns = map->domain[1] - map->domain[0], step = columns > 0.0 ? 2.0 * (double)map->tiles_x / columns : 1.0;
    for (int64_t t = 0; t < map->tiles_x; t++) {
        double b[MOST_DEGREES], size = 0.0;
        coefficients_at(map, 1, tile_y, t, v, b);
        for (int64_t m = 1; m < map->degrees_x; m++)
            size += fabs(b[m]) * (1.0 + step * (double)(m * m));
        found.low = b[0] - size < found.low ? b[0] - size : found.low;
        found.high = b[0] + size > found.high ? b[0] + size : found.high;
    }
    return found;
}

static void continue_line(double *line, int64_t n)
{
    line[0] = 2.0 * line[1] - line[n > 1 ? 2 : 1];
    line[n + 1] = 2.0 * line[n] - line[n > 1 ? n - 1 : n];
}

static void evaluate_line(const Places *places, int64_t number, int64_t function, double *restrict line)
{
    const Map *map = &places->map;
    int64_t n = places->columns, tile_y;
    double v = in_tiles((double)number, map->domain[2], map->domain[3], map->tiles_y, &tile_y);
    for (int64_t start = 0, end; start < n; start = end) {
        double b[MOST_DEGREES], tile = places->tile[start];
        for (end = start; end < n && places->tile[end] == tile;)
            end++;
        coefficients_at(map, function, tile_y, (int64_t)tile, v, b);
        for (int64_t c = start; c < end; c++)
            line[1 + c] = b[0];
        for (int64_t m = 1; m < map->degrees_x; m++) {
            const double *restrict terms = places->terms + m * n;
            for (int64_t c = start; c < end; c++)
                line[1 + c] += b[m] * terms[c];
        }
    }
}

/* A row of the box, both functions. */
static void fill_line(const Places *places, int64_t number, double *line)
{
    const Map *map = &places->map;
    int64_t n = places->columns;
    for (int64_t f = 0; f < 2; f++) {
        double *half = line + f * (n + 2);
        if (map->planes)
            memcpy(half + 1, map->planes + (f * map->lines + number - map->first_line) * n, (size_t)n * sizeof(double));
        else
            evaluate_line(places, number, f, half);
        continue_line(half, n);
    }
}

static const double *line_in_hand(Places *places, int64_t number)
{
    int64_t slot = ((number % 3) + 3) % 3;
    if (places->numbers[slot] != number) {
        fill_line(places, number, places->lines[slot]);
        places->numbers[slot] = number;
    }
    return places->lines[slot];
}

/* The line of a row, which may lie one before or one after the box: there the last step goes on. */
static const double *line_at(Places *places, int64_t number)
{
    const Map *map = &places->map;
    if (number >= map->y0 && number <= map->y1)
        return line_in_hand(places, number);
    int64_t edge = number < map->y0 ? map->y0 : map->y1, other = number < map->y0 ? edge + 1 : edge - 1;
    const double *near = line_in_hand(places, edge);
    const double *far = other >= map->y0 && other <= map->y1 ? line_in_hand(places, other) : near;
    int64_t slot = ((number % 3) + 3) % 3;
    for (int64_t f = 0, n = places->columns; f < 2; f++) {
        double *line = places->lines[slot] + f * (n + 2);
        for (int64_t c = 1; c <= n; c++)
            line[c] = 2.0 * near[f * (n + 2) + c] - far[f * (n + 2) + c];
        continue_line(line, n);
    }
    places->numbers[slot] = NO_LINE;
    return places->lines[slot];
}

#endif
