/* Jumps: gpipe.jump.detection.flag_jumps, a few rows at a time.
 *
 * Of these rows, tile by tile, columns that may have jumps are told from the many that have none, gathered and judged
 * together. Flags and marks of differences that flags spread from stay in the cache until the rows below are searched,
 * too; then flags are spread and written, once.
 *
 * The arithmetic of one pixel is in gpipe/kernels/shared/jump.cuh, which CUDA compiles, too. Screening, sorting and
 * sigma clipping are not shared: here each step goes along many columns, so that it is vector code, while a thread of
 * CUDA keeps the values of its own pixel in registers and does only what that pixel needs. Nor is the spreading of
 * flags: here it follows the search row by row, while CUDA spreads in a second kernel.
 */
#include "jump/differences.h"
#include "jump/few.h"
#include "jump/spread.h"

/* Hold columns that are APART, and those that come with JUMP_DET, which may flag neighbours. */
static void hold_apart(Search *search, const Tile *tile, const int32_t *state)
{
    uint8_t is_held[WIDEST];
    for (int64_t c = 0; c < tile->whole; c++)
        is_held[c] = state[c] == APART;
    if (tile->flags & JUMP_DET)
        for (int64_t line = 0; line < search->slots.flag_lines; line++) {
            const uint8_t *flags = flags_of(&search->slots, tile->row, line) + tile->column;
            for (int64_t c = 0; c < tile->n; c++)
                is_held[c] |= flags[c] & JUMP_DET;
        }
    hold(search, tile, is_held);
}

static void find_iterative(Search *search, const Tile *tile, float *ranked)
{
    int32_t state[WIDEST];
    find_settled(tile, ranked, search->differences, &search->rules.limits, state);
    if (search->rules.level_count)
        find_large(tile, search->differences, &search->rules, state);
    hold_apart(search, tile, state);
}

/* By a single pass, or by sigma clipping, where `threshold` is that of neighbours. */
static void find_far(Search *search, const Tile *tile, float threshold)
{
    const Rules *rules = &search->rules;
    uint8_t is_held[WIDEST];
    for (int64_t at = 0; at < tile->whole; at += LANES) {
        Known known;
        int32_t loud[LANES];
        if (rules->method == SINGLE_PASS)
            gather(tile->values + at, tile->pitch, search->differences, &known);
        else
            hold_sets(search, tile, at, &known);
        find_loud(tile->values + at, tile->pitch, search->differences, tile->variance + at, threshold, rules, &known,
                  loud);
        for (int k = 0; k < LANES; k++)
            is_held[at + k] = loud[k] != 0;
    }
    hold(search, tile, is_held);
}

static void search_row(Search *search, float *values, float *ranked, int64_t pitch, int64_t width, int64_t row)
{
    const Rules *rules = &search->rules;
    Tile tile = {.values = values, .pitch = pitch, .row = row};
    float neighbour = rules->spreads ? rules->least : INFINITY;
    float least = neighbour < rules->limits.four_or_more ? neighbour : rules->limits.four_or_more;
    memset(marks_of(&search->slots, row, 0), 0, (size_t)(search->slots.mark_lines * (search->slots.columns + 2)));
    for (tile.column = 0; tile.column < search->exposure.columns; tile.column += width) {
        tile.n = smaller(width, search->exposure.columns - tile.column);
        tile.whole = round_up(tile.n, LANES);
        read_tile(search, &tile);
        if ((tile.flags & JUMP_DET) && search->first <= row && row < search->last)
            search->primary[row] += count_jumps(search, &tile);
        if (rules->method == ITERATIVE)
            find_iterative(search, &tile, ranked);
        else
            find_far(search, &tile, least);
    }
}

/* Whether a sample has neither JUMP_DET nor DO_NOT_USE. */
static bool is_open(const uint8_t *flags, int64_t n)
{
    for (int64_t at = 0; at < n; at += 64) {
        uint8_t open = 0;
        for (int64_t x = at; x < smaller(at + 64, n); x++)
            open |= (flags[x] & (JUMP_DET | DO_NOT_USE)) == 0;
        if (open)
            return true;
    }
    return false;
}

/* Clear samples with nothing but JUMP_DET in a group of a row, and take back what depends on it. */
static void unflag(Search *search, int64_t integration, int64_t group, int64_t row)
{
    int64_t groups = search->exposure.groups, cleared = 0;
    uint8_t *flags = flags_of(&search->slots, row, integration * groups + group);
    for (int64_t x = 0; x < search->exposure.columns; x++) {
        if (flags[x] != JUMP_DET)
            continue;
        flags[x] = 0;
        cleared++;
        if (group > 0 && search->slots.mark_lines)
            marks_of(&search->slots, row, integration * (groups - 1) + group - 1)[x + 1] &= 0xFF - STRONG;
    }
    if (search->first <= row && row < search->last)
        search->primary[row] -= cleared;
}

/* See to groups of a row that are open, or are flagged in every pixel. */
static void see_to_groups(Search *search, const uint8_t *full, uint8_t *open, int64_t row)
{
    const Exposure *of = &search->exposure;
    bool is_own = search->first <= row && row < search->last;
    for (int64_t line = 0; line < search->slots.flag_lines; line++) {
        if (open && is_own)
            open[line * of->rows + row] = is_open(flags_of(&search->slots, row, line), of->columns);
        if (full && full[line])
            unflag(search, line / of->groups, line % of->groups, row);
    }
}

/* Search rows from `start` to `stop`, some at a time, and spread flags in those that are own as soon as the row below
 * is searched. */
static void flag_rows(Search *search, const Spread *spread, float *values, float *ranked, int64_t pitch, int64_t width,
                      const uint8_t *full, uint8_t *open, int64_t start, int64_t stop)
{
    int64_t band = search->slots.count - 2, next = search->first;
    for (int64_t from = start; from < stop; from += band) {
        int64_t to = smaller(from + band, stop);
        for (int64_t row = from; row < to; row++)
            search_row(search, values, ranked, pitch, width, row);
        flag_few(search);
        for (int64_t row = from; row < to; row++)
            see_to_groups(search, full, open, row);
        int64_t ready = search->rules.spreads && to < search->exposure.rows ? to - 1 : to;
        for (; next < smaller(ready, search->last); next++)
            spread_row(search, spread, next);
    }
}

KERNEL(void, jump_flag, (const float *restrict data, int64_t data_by_integrations, int64_t data_by_groups,
                         int64_t data_by_rows, const uint8_t *restrict groupdq, int64_t groupdq_by_integrations,
                         int64_t groupdq_by_groups, int64_t groupdq_by_rows, const float *restrict gain,
                         const float *restrict readnoise, int64_t method, float four_or_more, float three, float two,
                         double clip, float frames, bool spreads, float least, float most,
                         const float *restrict levels, const uint16_t *restrict reach, const uint8_t *restrict full,
                         int64_t first, int64_t last, int64_t width, float *restrict tile, float *restrict ranked,
                         float *restrict few, float *restrict sets, uint8_t *restrict waiting, uint16_t *restrict until,
                         const uint8_t *restrict none, uint8_t *restrict flags, int64_t *restrict primary,
                         bool *restrict open, int64_t integrations, int64_t groups, int64_t rows, int64_t columns,
                         int64_t levels_count, int64_t values, int64_t pitch, int64_t together, int64_t length,
                         int64_t slots, int64_t slot_bytes, int64_t margins))
{
    bool marked = spreads || levels_count > 0;
    int64_t differences = integrations * (groups - 1);
    Search search = {
        .exposure = {data, groupdq, {data_by_integrations, data_by_groups, data_by_rows},
                     {groupdq_by_integrations, groupdq_by_groups, groupdq_by_rows}, gain, readnoise,
                     integrations, groups, rows, columns},
        .rules = {(Method)method, {four_or_more, three, two}, clip, frames, least, most, spreads, levels, levels_count},
        .slots = {waiting, slots, slot_bytes, columns, integrations * groups, marked ? differences : 0},
        .few = {.values = few, .ranked = few + values * together, .width = together},
        .sets = {.values = sets, .ranked = sets ? sets + length * together : sets, .length = length,
                 .step = method == CLIP_ALL ? 1 : groups - 1},
        .differences = differences, .first = first, .last = last, .primary = primary,
    };
    Spread spread = {flags, reach, until, none};
    int64_t start = spreads ? larger(first - 1, 0) : first, stop = spreads ? smaller(last + 1, rows) : last;
    if (first < last)
        flag_rows(&search, &spread, tile, ranked, pitch, width, full, (uint8_t *)open, start, stop);
}
