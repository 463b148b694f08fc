/* Jumps: columns that may have some, gathered from many tiles and judged together. */
#ifndef GPIPE_JUMP_FEW_H
#define GPIPE_JUMP_FEW_H

#include "jump/clip.h"
#include "jump/iterative.h"

#define HIT 0x100 /* beside the marks */

/* What the columns are judged by. */
typedef struct {
    float flux[MOST_FEW], lower[MOST_FEW], upper[MOST_FEW], least[MOST_FEW], most[MOST_FEW];
} FewBounds;

static void bound_noise(const Search *search, int64_t n, FewBounds *bounds)
{
    const Rules *rules = &search->rules;
    for (int64_t k = 0; k < n; k++) {
        float sigma = noise_of(bounds->flux[k], search->few.variance[k]);
        bounds->least[k] = rules->least * sigma;
        bounds->most[k] = rules->most * sigma;
        bounds->upper[k] = rules->limits.four_or_more * sigma;
    }
}

/* Jumps and marks of a difference. */
INLINED void find_marks(const float *restrict values, const FewBounds *restrict bounds, const Rules *rules,
                        bool is_iterative, int64_t n, int32_t *restrict found)
{
    int32_t strong = rules->spreads ? STRONG : 0;
    for (int64_t k = 0; k < n; k++) {
        float size = fabsf(values[k]), off = fabsf(values[k] - bounds->flux[k]);
        bool hit = is_iterative ? (size >= bounds->upper[k]) | (size <= bounds->lower[k]) : off > bounds->upper[k];
        bool is_strong = (off > bounds->least[k]) & (off < bounds->most[k]);
        found[k] = (hit ? HIT : 0) | (is_strong ? strong : 0);
    }
    for (int64_t level = 0; level < rules->level_count; level++)
        for (int64_t k = 0; k < n; k++)
            found[k] |= values[k] - bounds->flux[k] >= rules->levels[level] ? STRONG << (level + 1) : 0;
}

/* Neighbours are flagged by jumps only, whoever found them. */
static void write_marks(Search *search, int64_t difference, int64_t held, int32_t found)
{
    int64_t row = search->few.row[held], column = search->few.column[held];
    uint8_t *flag = later_flag(search, difference, row, column);
    if (found & HIT)
        add_jump(search, flag, row);
    int32_t marks = *flag & JUMP_DET ? found & 0xFF : found & (0xFF - STRONG);
    if (marks)
        marks_of(&search->slots, row, difference)[column + 1] = (uint8_t)marks;
}

/* Marks of a difference, two at a time: most are none. */
static void write_line(Search *search, int64_t difference, const int32_t *found)
{
    for (int64_t at = 0; at < search->few.held; at += 2) {
        uint64_t two;
        memcpy(&two, found + at, sizeof two);
        if (!two)
            continue;
        for (int64_t k = at; k < smaller(at + 2, search->few.held); k++)
            if (found[k])
                write_marks(search, difference, k, found[k]);
    }
}

/* Judge the columns that are held, and write their flags and marks. */
static void flag_few(Search *search)
{
    Few *few = &search->few;
    int64_t n = round_up(few->held, FEW_LANES);
    bool is_iterative = search->rules.method == ITERATIVE;
    int32_t usable[MOST_FEW], found[MOST_FEW];
    FewBounds bounds;
    if (search->rules.method >= CLIP_GROUPS)
        flag_sets(search); /* neighbours are flagged by jumps */
    if (n == 0)
        return;
    rank_tile(few->values, few->width, few->ranked, few->width, search->differences, n, usable);
    median_tile(few->ranked, few->width, usable, bounds.flux, n);
    bound_noise(search, n, &bounds);
    if (is_iterative)
        bound_few(search, usable, bounds.lower, bounds.upper);
    for (int64_t d = 0; d < search->differences; d++) {
        if (is_iterative)
            find_marks(few->values + d * few->width, &bounds, &search->rules, true, n, found);
        else
            find_marks(few->values + d * few->width, &bounds, &search->rules, false, n, found);
        write_line(search, d, found);
    }
    few->held = 0;
}

static void hold_column(Search *search, const Tile *tile, int64_t column)
{
    Few *few = &search->few;
    few->row[few->held] = tile->row;
    few->column[few->held] = tile->column + column;
    few->variance[few->held] = tile->variance[column];
    for (int64_t d = 0; d < search->differences; d++)
        few->values[d * few->width + few->held] = tile->values[d * tile->pitch + column];
    if (++few->held == few->width)
        flag_few(search);
}

/* Add the columns of a tile for which `is_held` is not 0, eight at a time: most are none. */
static void hold(Search *search, const Tile *tile, const uint8_t *is_held)
{
    for (int64_t start = 0; start < tile->n; start += 8) {
        uint64_t eight;
        memcpy(&eight, is_held + start, sizeof eight);
        if (!eight)
            continue;
        for (int64_t c = start; c < smaller(start + 8, tile->n); c++)
            if (is_held[c])
                hold_column(search, tile, c);
    }
}

#endif
