/* Jumps: flags of neighbours, and of the groups after large jumps. */
#ifndef GPIPE_JUMP_SPREAD_H
#define GPIPE_JUMP_SPREAD_H

#include "jump/search.h"

/* Flags as they are in the end. Of an integration, large jumps flag each column before group `until`. */
typedef struct {
    uint8_t *flags;
    const uint16_t *reach;
    uint16_t *until;
    const uint8_t *none; /* marks of a row outside of the image */
} Spread;

/* Take JUMP_DET from samples that are not used. */
static void clean(const uint8_t *restrict from, uint8_t *restrict to, int64_t n)
{
    for (int64_t x = 0; x < n; x++)
        to[x] = from[x] & (uint8_t)(from[x] & UNUSABLE ? 0xFF - JUMP_DET : 0xFF);
}

/* The same, and JUMP_DET where one of the four neighbours, or the pixel itself, flags neighbours. */
static void flag_neighbours(const uint8_t *restrict from, const uint8_t *restrict above, const uint8_t *restrict here,
                            const uint8_t *restrict below, uint8_t *restrict to, int64_t n)
{
    for (int64_t x = 0; x < n; x++) {
        uint8_t reached = above[x + 1] | here[x] | here[x + 1] | here[x + 2] | below[x + 1];
        uint8_t jump = reached & STRONG ? JUMP_DET : 0;
        to[x] = from[x] & UNUSABLE ? from[x] & (0xFF - JUMP_DET) : from[x] | jump;
    }
}

static void follow(const uint8_t *restrict flags, const uint8_t *restrict marks, uint8_t bit, uint16_t stop,
                   uint16_t *restrict until, int64_t n)
{
    for (int64_t x = 0; x < n; x++) {
        uint16_t next = (marks[x + 1] & bit) && (flags[x] & JUMP_DET) ? stop : 0;
        until[x] = next > until[x] ? next : until[x];
    }
}

static void flag_until(const uint16_t *restrict until, uint16_t group, uint8_t *restrict flags, int64_t n)
{
    for (int64_t x = 0; x < n; x++) {
        uint8_t jump = until[x] > group ? JUMP_DET : 0;
        flags[x] |= flags[x] & UNUSABLE ? 0 : jump;
    }
}

/* Flag the groups after large jumps in a line that has the flags of neighbours. */
static void flag_after(const Search *search, const Spread *spread, const uint8_t *marks, int64_t group, uint8_t *flags)
{
    int64_t n = search->exposure.columns, levels = search->rules.level_count;
    for (int64_t k = 0; k < levels; k++)
        follow(flags, marks, (uint8_t)(STRONG << (k + 1)), (uint16_t)(group + spread->reach[k] + 1), spread->until, n);
    if (levels)
        flag_until(spread->until, (uint16_t)group, flags, n);
}

static void spread_row(const Search *search, const Spread *spread, int64_t row)
{
    const Exposure *of = &search->exposure;
    const Slots *slots = &search->slots;
    int64_t n = of->columns, line = 0, difference = 0;
    for (int64_t i = 0; i < of->integrations; i++) {
        memset(spread->until, 0, (size_t)n * sizeof *spread->until);
        for (int64_t g = 0; g < of->groups; g++, line++) {
            const uint8_t *from = flags_of(slots, row, line);
            uint8_t *to = spread->flags + (line * of->rows + row) * n;
            if (g == 0 || slots->mark_lines == 0) {
                clean(from, to, n);
                continue;
            }
            const uint8_t *here = marks_of(slots, row, difference);
            if (search->rules.spreads) {
                const uint8_t *above = row > 0 ? marks_of(slots, row - 1, difference) : spread->none;
                const uint8_t *below = row + 1 < of->rows ? marks_of(slots, row + 1, difference) : spread->none;
                flag_neighbours(from, above, here, below, to, n);
            } else { /* rows around this one may not have been searched */
                clean(from, to, n);
            }
            flag_after(search, spread, here, g, to);
            difference++;
        }
    }
}

#endif
