/* Jumps: what all parts of the search share. */
#ifndef GPIPE_JUMP_SEARCH_H
#define GPIPE_JUMP_SEARCH_H

#include "dq.h"
#include "pixel.h"
#include "tiles.h"

#define UNUSABLE (DO_NOT_USE | SATURATED)
#define MISSING FLT_MAX /* stands in for missing values, so that they rank last */
#define NOT_A_NUMBER NAN

/* The ranks of one column of a tile. */
typedef struct {
    const float *first;
    int64_t pitch;
} Column;

#define RANKED Column
#define RANKED_FUNCTION INLINED

INLINED float rank_at(Column ranked, int rank)
{
    return ranked.first[rank * ranked.pitch];
}

#include "../shared/jump.cuh"

#define LANES 32 /* columns whose sums stay in registers */
#define MOST_FEW 64
#define FEW_LANES 16
#define STRONG 1 /* mark of a jump that flags neighbours; those of AfterJump are the bits above */

typedef enum { ITERATIVE, SINGLE_PASS, CLIP_GROUPS, CLIP_ALL } Method;

/* JumpSettings as numbers; `limits.four_or_more` is infinite for sigma clipping, which knows no noise of a pixel. */
typedef struct {
    Method method;
    Limits limits;
    double clip;
    float frames, least, most;
    bool spreads;
    const float *levels;
    int64_t level_count;
} Rules;

/* Samples of an exposure: elements from one integration, group and row to the next. */
typedef struct {
    const float *data;
    const uint8_t *groupdq;
    int64_t data_by[3], groupdq_by[3];
    const float *gain, *readnoise;
    int64_t integrations, groups, rows, columns;
} Exposure;

/* Rows between the search and the spreading of flags, in a ring: flags of each group and marks of each difference,
 * which have a column more on either side. */
typedef struct {
    uint8_t *first;
    int64_t count, size, columns, flag_lines, mark_lines;
} Slots;

/* Columns that may have jumps, side by side: (difference, column). */
typedef struct {
    float *values, *ranked;
    int64_t width, held;
    float variance[MOST_FEW];
    int64_t row[MOST_FEW], column[MOST_FEW];
} Few;

/* Sets of differences that may lose some to sigma clipping, side by side: (difference, set). `first` is the difference
 * that a set begins with; the others follow by `step`. */
typedef struct {
    float *values, *ranked;
    int64_t length, step, held;
    int64_t first[MOST_FEW], row[MOST_FEW], column[MOST_FEW];
} Sets;

typedef struct {
    Exposure exposure;
    Rules rules;
    Slots slots;
    Few few;
    Sets sets;
    int64_t differences, first, last; /* of all integrations; rows whose jumps are counted */
    int64_t *primary;
} Search;

/* Differences of a stretch of a row, (difference, column), NaN where they are missing; from column `n` on all are. */
typedef struct {
    float *values;
    int64_t pitch, n, whole; /* `whole` is `n` rounded up to LANES */
    int64_t row, column;
    uint8_t flags; /* all that samples have */
    float variance[WIDEST];
} Tile;

INLINED int64_t round_up(int64_t n, int64_t lanes)
{
    return (n + lanes - 1) / lanes * lanes;
}

INLINED uint8_t *flags_of(const Slots *slots, int64_t row, int64_t line)
{
    return slots->first + row % slots->count * slots->size + line * slots->columns;
}

/* Of column -1. */
INLINED uint8_t *marks_of(const Slots *slots, int64_t row, int64_t line)
{
    return flags_of(slots, row, slots->flag_lines) + line * (slots->columns + 2);
}

/* The flag of the later sample of a difference. */
INLINED uint8_t *later_flag(const Search *search, int64_t difference, int64_t row, int64_t column)
{
    int64_t differences = search->exposure.groups - 1;
    int64_t line = difference / differences * (differences + 1) + difference % differences + 1;
    return flags_of(&search->slots, row, line) + column;
}

static inline void add_jump(Search *search, uint8_t *flag, int64_t row)
{
    if (search->first <= row && row < search->last)
        search->primary[row] += !(*flag & JUMP_DET);
    *flag |= JUMP_DET;
}

#endif
