/* Jumps: the iterative method, gpipe.jump.iterative.jump_bounds.
 *
 * Most columns lose nothing in the first turn that judges their largest magnitude. They are told apart first, from
 * magnitudes alone; only the others are judged turn by turn.
 */
#ifndef GPIPE_JUMP_ITERATIVE_H
#define GPIPE_JUMP_ITERATIVE_H

#include "jump/search.h"

typedef enum { SEARCHING, SETTLED, APART } Verdict;

/* Magnitudes of a difference, and whether there is any; `odd` gets those that pass for missing, or are infinite. */
static bool take_magnitudes(const float *restrict values, float *restrict sizes, int32_t *restrict odd, int64_t n)
{
    int32_t any = 0;
    for (int64_t c = 0; c < n; c++) {
        float size = fabsf(values[c]);
        bool is_known = size == size;
        sizes[c] = is_known ? size : MISSING;
        odd[c] |= size >= MISSING ? 1 : 0;
        any |= is_known ? 1 : 0;
    }
    return any;
}

/* Judge the largest magnitude of columns that are searched; how many columns go on to the next turn. */
INLINED int32_t judge_largest(const float *restrict lowest, const float *restrict low, const float *restrict high,
                              const float *restrict second, const float *restrict largest,
                              const float *restrict variance, float allowed, int32_t *restrict state, int64_t n,
                              bool is_clipped)
{
    int32_t searching = 0;
    for (int64_t c = 0; c < n; c++) {
        float centre = is_clipped ? 0.5f * low[c] + 0.5f * high[c] : low[c];
        bool jump = is_outlier(largest[c] - centre, centre - lowest[c], centre, variance[c], allowed);
        int32_t verdict = ((largest[c] == second[c]) | jump) ? APART : SETTLED;
        verdict = largest[c] >= MISSING ? SEARCHING : verdict;
        verdict = state[c] == SEARCHING ? verdict : state[c];
        state[c] = verdict;
        searching += verdict == SEARCHING ? 1 : 0;
    }
    return searching;
}

/* One turn of a tile, with `length` ranks left. */
static int32_t turn(const Tile *tile, const float *ranked, int64_t length, const Limits *limits, int32_t *state)
{
    int64_t pitch = tile->pitch, n = tile->whole;
    const float *largest = ranked + (length - 1) * pitch, *second = largest - pitch;
    const float *low = ranked + (length - 2) / 2 * pitch, *high = ranked + (length - 1) / 2 * pitch;
    if (length > 3)
        return judge_largest(ranked, low, high, second, largest, tile->variance, limits->four_or_more, state, n, true);
    if (length == 3)
        return judge_largest(ranked, high, high, second, largest, tile->variance, limits->three, state, n, false);
    return judge_largest(ranked, low, high, second, largest, tile->variance, limits->two, state, n, false);
}

/* Tell columns that may have a jump: their `state` is APART, that of others SETTLED. */
static void find_settled(const Tile *tile, float *ranked, int64_t differences, const Limits *limits, int32_t *state)
{
    int64_t length = 0, n = tile->whole;
    int32_t odd[WIDEST];
    for (int64_t c = 0; c < n; c++)
        odd[c] = state[c] = SEARCHING;
    for (int64_t d = 0; d < differences; d++) /* those that all columns lack need no rank */
        length += take_magnitudes(tile->values + d * tile->pitch, ranked + length * tile->pitch, odd, n);
    sort_tile(ranked, tile->pitch, length, n);
    for (int32_t searching = (int32_t)n; length > 1 && searching > n / 128; length--)
        searching = turn(tile, ranked, length, limits, state);
    int32_t rest = length > 1 ? APART : SETTLED;
    for (int64_t c = 0; c < n; c++) {
        state[c] = state[c] == SEARCHING ? rest : state[c];
        state[c] = odd[c] ? APART : state[c];
    }
}

/* Add columns whose lowest and highest difference are one of the levels apart. */
static void find_large(const Tile *tile, int64_t differences, const Rules *rules, int32_t *state)
{
    for (int64_t at = 0; at < tile->whole; at += LANES) {
        Known known;
        gather(tile->values + at, tile->pitch, differences, &known);
        for (int64_t n = 0; n < rules->level_count; n++)
            for (int k = 0; k < LANES; k++)
                state[at + k] = known.highest[k] - known.lowest[k] < rules->levels[n] ? state[at + k] : APART;
    }
}

/* Bounds of the columns that are held; their ranks give way to ranked magnitudes. */
static void bound_few(Search *search, const int32_t *usable, float *lower, float *upper)
{
    Few *few = &search->few;
    int64_t n = round_up(few->held, FEW_LANES);
    for (int64_t d = 0; d < search->differences; d++)
        for (int64_t c = 0; c < n; c++)
            few->ranked[d * few->width + c] = fabsf(few->ranked[d * few->width + c]);
    sort_tile(few->ranked, few->width, search->differences, n);
    for (int64_t c = 0; c < few->held; c++) {
        Column ranked = {few->ranked + c, few->width};
        Magnitudes found =
            jump_magnitudes(ranked, (int)search->differences, usable[c], few->variance[c], search->rules.limits);
        lower[c] = found.lower;
        upper[c] = found.upper;
    }
}

#endif
