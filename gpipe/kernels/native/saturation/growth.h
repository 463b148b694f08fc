/* Flags that grow to neighbouring pixels: a ring of the rows that a row gets flags of. */
#ifndef GPIPE_GROWTH_H
#define GPIPE_GROWTH_H

#include "common.h"

/* Lines of the last 2 grow + 1 rows, one for each group, grown along the row already, and whether they have a flag.
 * `wide` is a line before it grows, with `grow` zeros at both ends. */
typedef struct {
    int64_t grow, groups, columns;
    uint8_t *lines, *found, *wide;
} Ring;

INLINED int64_t place(Ring ring, int64_t row, int64_t group)
{
    return row % (2 * ring.grow + 1) * ring.groups + group;
}

static void join_three(const uint8_t *restrict one, const uint8_t *restrict two, const uint8_t *restrict three,
                       int64_t n, uint8_t *restrict out)
{
    for (int64_t c = 0; c < n; c++)
        out[c] = one[c] | two[c] | three[c];
}

static void add_two(const uint8_t *restrict one, const uint8_t *restrict two, int64_t n, uint8_t *restrict out)
{
    for (int64_t c = 0; c < n; c++)
        out[c] |= one[c] | two[c];
}

static void add(const uint8_t *restrict other, int64_t n, uint8_t *restrict out)
{
    for (int64_t c = 0; c < n; c++)
        out[c] |= other[c];
}

/* Let `wide` grow along its row and keep it; without a flag it is not looked at. */
static void keep(Ring ring, int64_t row, int64_t group, bool found)
{
    int64_t at = place(ring, row, group), n = ring.columns;
    ring.found[at] = found;
    if (!found)
        return;
    const uint8_t *wide = ring.wide;
    uint8_t *grown = ring.lines + at * n;
    if (ring.grow == 0)
        memcpy(grown, wide, (size_t)n);
    else
        join_three(wide, wide + 1, wide + 2, n, grown);
    for (int64_t shift = 3; shift <= 2 * ring.grow; shift += 2)
        add_two(wide + shift, wide + shift + 1, n, grown);
}

/* Add to the flags of a row those that grow to it. */
static void add_around(Ring ring, int64_t row, int64_t rows, int64_t group, uint8_t *flags)
{
    const uint8_t *waiting = NULL; /* two lines are added in the time of one */
    for (int64_t near = larger(row - ring.grow, 0); near < smaller(row + ring.grow + 1, rows); near++) {
        int64_t at = place(ring, near, group);
        const uint8_t *line = ring.lines + at * ring.columns;
        if (!ring.found[at])
            continue;
        if (waiting)
            add_two(waiting, line, ring.columns, flags);
        waiting = waiting ? NULL : line;
    }
    if (waiting)
        add(waiting, ring.columns, flags);
}

#endif
