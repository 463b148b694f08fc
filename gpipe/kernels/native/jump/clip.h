/* Jumps by sigma clipping: gpipe.jump.sigma_clip. Only sets of differences that may lose some are ranked. */
#ifndef GPIPE_JUMP_CLIP_H
#define GPIPE_JUMP_CLIP_H

#include "jump/screen.h"

#define TURNS 5

/* Of sets: which ranks are left, and the bounds of what is left. */
typedef struct {
    int32_t begin[MOST_FEW], end[MOST_FEW], left[MOST_FEW];
    double lower[MOST_FEW], upper[MOST_FEW];
} Clipped;

static void begin_clipping(const float *ranked, int64_t pitch, int64_t length, int64_t n, const int32_t *count,
                           Clipped *sets)
{
    for (int64_t k = 0; k < n; k++) {
        sets->lower[k] = sets->upper[k] = (double)NAN;
        sets->begin[k] = sets->end[k] = 0;
        sets->left[k] = count[k];
    }
    for (int32_t rank = 0; rank < length; rank++)
        for (int64_t k = 0; k < n; k++)
            sets->end[k] += ranked[rank * pitch + k] < MISSING ? 1 : 0;
}

/* Standard deviation of the ranks that are left. An infinite value leaves none. */
static void find_scatter(const float *ranked, int64_t pitch, int64_t length, int64_t n, const Clipped *sets,
                         double *restrict scatter)
{
    double mean[MOST_FEW] = {0}, squares[MOST_FEW] = {0};
    for (int32_t rank = 0; rank < length; rank++)
        for (int64_t k = 0; k < n; k++) {
            bool is_left = (sets->begin[k] <= rank) & (rank < sets->end[k]);
            mean[k] += (double)(ranked[rank * pitch + k] * (is_left ? 1.0f : 0.0f));
        }
    for (int64_t k = 0; k < n; k++)
        mean[k] /= sets->left[k] > 1 ? sets->left[k] : 1;
    for (int32_t rank = 0; rank < length; rank++)
        for (int64_t k = 0; k < n; k++) {
            bool is_left = (sets->begin[k] <= rank) & (rank < sets->end[k]);
            double off = ((double)ranked[rank * pitch + k] - mean[k]) * (is_left ? 1.0 : 0.0);
            squares[k] += off * off;
        }
    for (int64_t k = 0; k < n; k++)
        scatter[k] = sqrt(squares[k] / (sets->left[k] > 1 ? sets->left[k] : 1));
}

static void set_bounds(const float *ranked, int64_t pitch, int64_t n, double threshold, const double *scatter,
                       Clipped *sets)
{
    for (int64_t k = 0; k < n; k++) {
        if (sets->left[k] <= 0)
            continue;
        int64_t low = sets->begin[k] + (sets->left[k] - 1) / 2, high = sets->begin[k] + sets->left[k] / 2;
        double middle = 0.5 * (double)ranked[low * pitch + k] + 0.5 * (double)ranked[high * pitch + k];
        sets->lower[k] = middle - threshold * scatter[k];
        sets->upper[k] = middle + threshold * scatter[k];
    }
}

/* Leave the ranks that lie within the bounds; whether any set has lost some. */
static bool narrow(const float *ranked, int64_t pitch, int64_t length, int64_t n, Clipped *sets)
{
    int32_t below[MOST_FEW] = {0}, inside[MOST_FEW] = {0}, changed = 0;
    for (int32_t rank = 0; rank < length; rank++)
        for (int64_t k = 0; k < n; k++) {
            double value = (double)ranked[rank * pitch + k];
            bool is_left = (sets->begin[k] <= rank) & (rank < sets->end[k]);
            below[k] += value < sets->lower[k] ? 1 : 0;
            inside[k] += (is_left & (value >= sets->lower[k]) & (value <= sets->upper[k])) ? 1 : 0;
        }
    for (int64_t k = 0; k < n; k++) {
        changed |= inside[k] ^ sets->left[k];
        sets->begin[k] = below[k] > sets->begin[k] ? below[k] : sets->begin[k];
        sets->left[k] = inside[k];
        sets->end[k] = sets->begin[k] + sets->left[k];
    }
    return changed;
}

/* Turns that change nothing are left out. */
static void clip_ranks(const float *ranked, int64_t pitch, int64_t length, int64_t n, const int32_t *count,
                       double threshold, Clipped *sets)
{
    double scatter[MOST_FEW];
    begin_clipping(ranked, pitch, length, n, count, sets);
    for (int turn = 0; turn < TURNS; turn++) {
        find_scatter(ranked, pitch, length, n, sets, scatter);
        set_bounds(ranked, pitch, n, threshold, scatter, sets);
        if (!narrow(ranked, pitch, length, n, sets))
            break;
    }
}

/* Flag what clipping takes away from the sets that are held. */
static void flag_sets(Search *search)
{
    Sets *sets = &search->sets;
    int64_t n = round_up(sets->held, FEW_LANES), width = search->few.width;
    int32_t count[MOST_FEW];
    Clipped clipped;
    rank_tile(sets->values, width, sets->ranked, width, sets->length, n, count);
    clip_ranks(sets->ranked, width, sets->length, n, count, search->rules.clip, &clipped);
    for (int64_t d = 0; d < sets->length; d++)
        for (int64_t k = 0; k < sets->held; k++) {
            double value = (double)sets->values[d * width + k];
            if (value < clipped.lower[k] || value > clipped.upper[k]) {
                int64_t row = sets->row[k], difference = sets->first[k] + d * sets->step;
                add_jump(search, later_flag(search, difference, row, sets->column[k]), row);
            }
        }
    sets->held = 0;
}

/* Add a set of a tile; clip those that are held when they are many. */
static void hold_set(Search *search, const Tile *tile, int64_t first, int64_t column)
{
    Sets *sets = &search->sets;
    const float *values = tile->values + first * tile->pitch + column;
    sets->first[sets->held] = first;
    sets->row[sets->held] = tile->row;
    sets->column[sets->held] = tile->column + column;
    for (int64_t d = 0; d < sets->length; d++)
        sets->values[d * search->few.width + sets->held] = values[d * sets->step * tile->pitch];
    if (++sets->held == search->few.width)
        flag_sets(search);
}

/* Find the sets of LANES columns that may lose differences: all of a column, or those of a group. What is found out
 * about them is put together for the columns. */
static void hold_sets(Search *search, const Tile *tile, int64_t at, Known *known)
{
    int64_t step = search->sets.step, length = search->sets.length;
    Known part;
    int32_t cut[LANES];
    forget(known);
    for (int64_t first = 0; first < step; first++) {
        const float *values = tile->values + first * tile->pitch + at;
        find_cut(values, step * tile->pitch, length, (float)search->rules.clip, &part, cut);
        add_known(&part, known);
        int32_t any = 0;
        for (int k = 0; k < LANES; k++)
            any |= cut[k];
        for (int k = 0; any && k < LANES; k++)
            if (cut[k])
                hold_set(search, tile, first, at + k);
    }
}

#endif
