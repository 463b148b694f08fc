/* Saturation in one pass, row after row.
 *
 * Flags grow by `grow` rows twice, so the pass goes through an integration with three rows in hand: in the first,
 * samples are compared with the threshold; `grow` rows behind, charge has spilt and flags are complete but for groups
 * of averaged frames, which are looked for; another `grow` rows behind, those have reached their neighbours, too.
 *
 * CUDA compiles the tests of averaged groups, too (../shared). It does not share the rest: there each thread looks
 * around its pixel in marks of all samples, while here the flags of a row grow as a whole.
 */
#include "dq.h"
#include "pixel.h"
#include "saturation/growth.h"

#include "../shared/saturation.cuh"

#define BEYOND_CONVERTER 65536.0f
#define STRETCH 128 /* pixels that are tested for hidden saturation if it can be in any of them */

/* One integration: its samples, and flags before and after; thresholds and bias, and flags in any group, of pixels. */
typedef struct {
    const float *data;
    const uint8_t *before;
    uint8_t *after;
    const float *limit, *bias;
    const uint8_t *unchecked;
    uint8_t *seen;
    int64_t groups, rows, columns, nframes;
} Ramps;

INLINED int64_t line_of(Ramps ramps, int64_t group, int64_t row)
{
    return (group * ramps.rows + row) * ramps.columns;
}

/* `usable_threshold`, and its flags joined with those of the pixels. */
static void set_thresholds(const uint32_t *restrict pixeldq, const float *restrict level,
                           const uint32_t *restrict level_dq, int64_t n, float *restrict limit,
                           uint8_t *restrict unchecked, uint32_t *restrict new_dq)
{
    for (int64_t c = 0; c < n; c++) {
        bool unknown = !isfinite(level[c]), out = unknown | ((level_dq[c] & NO_SAT_CHECK) != 0);
        limit[c] = out ? BEYOND_CONVERTER : level[c];
        unchecked[c] = out;
        new_dq[c] = pixeldq[c] | level_dq[c] | (unknown ? NO_SAT_CHECK : 0);
    }
}

/* Rules 1 and 2 for samples by themselves; `full` are those that charge spills from. */
static bool flag_line(const float *restrict counts, const float *restrict limit, const uint8_t *restrict before,
                      int64_t n, uint8_t *restrict reached, uint8_t *restrict full, uint8_t *restrict after)
{
    uint8_t found = 0;
    for (int64_t c = 0; c < n; c++) {
        reached[c] |= counts[c] >= limit[c] ? SATURATED : 0;
        full[c] = reached[c] | (before[c] & SATURATED);
        found |= full[c];
        after[c] = before[c] | (counts[c] <= 0.0f ? AD_FLOOR | DO_NOT_USE : 0);
    }
    return found;
}

static void flag_row(Ramps ramps, int64_t y, uint8_t *reached, Ring spilt)
{
    int64_t n = ramps.columns;
    memset(reached, 0, (size_t)n);
    for (int64_t g = 0; g < ramps.groups; g++) {
        int64_t at = line_of(ramps, g, y);
        bool found = flag_line(ramps.data + at, ramps.limit + y * n, ramps.before + at, n, reached,
                               spilt.wide + spilt.grow, ramps.after + at);
        keep(spilt, y, g, found);
    }
}

/* Rule 1: charge that has spilt. */
static void spill(Ramps ramps, int64_t y, Ring spilt)
{
    for (int64_t g = 0; g < ramps.groups; g++) {
        uint8_t *flags = ramps.after + line_of(ramps, g, y);
        add_around(spilt, y, ramps.rows, g, flags);
        add(flags, ramps.columns, ramps.seen + y * ramps.columns);
    }
}

/* DO_NOT_USE where a sample is usable but the following one is saturated. */
static bool find_before_saturation(const uint8_t *restrict flags, const uint8_t *restrict following, int64_t n,
                                   uint8_t *restrict out)
{
    uint8_t found = 0;
    for (int64_t c = 0; c < n; c++) {
        bool is_usable = !(flags[c] & (SATURATED | DO_NOT_USE)), is_full = following[c] & SATURATED;
        out[c] = (is_usable & is_full) ? DO_NOT_USE : 0;
        found |= out[c];
    }
    return found;
}

static bool keep_hidden(const float *restrict counts, const float *restrict limit, const uint8_t *restrict unchecked,
                        double dilution, int64_t n, uint8_t *restrict out)
{
    uint8_t found = 0;
    for (int64_t c = 0; c < n; c++) {
        out[c] &= hides_saturation(counts[c], limit[c], unchecked[c], dilution) ? DO_NOT_USE : 0;
        found |= out[c];
    }
    return found;
}

/* Rule 3: samples of a row whose saturation averaging hides. */
static void hide(Ramps ramps, int64_t y, Ring hidden)
{
    uint8_t *line = hidden.wide + hidden.grow;
    for (int64_t g = 0; g + 1 < ramps.groups; g++) {
        int64_t at = line_of(ramps, g, y), next = line_of(ramps, g + 1, y), pixel = y * ramps.columns;
        double dilution = dilution_of(g, ramps.nframes);
        bool found = false;
        for (int64_t c = 0; c < ramps.columns; c += STRETCH) {
            int64_t n = smaller(STRETCH, ramps.columns - c);
            if (find_before_saturation(ramps.after + at + c, ramps.after + next + c, n, line + c))
                found |= keep_hidden(ramps.data + at + c, ramps.limit + pixel + c, ramps.unchecked + pixel + c,
                                     dilution, n, line + c);
        }
        keep(hidden, y, g, found);
    }
}

/* Rule 4. */
INLINED void withdraw_late_line(const float *restrict first, const float *restrict second, const float *restrict limit,
                                const float *restrict bias, const uint8_t *restrict third_flags, int64_t nframes,
                                int64_t n, uint8_t *restrict flags)
{
    for (int64_t c = 0; c < n; c++) {
        bool late = is_late(first[c], second[c], limit[c], bias ? bias[c] : 0.0f, nframes);
        late &= ((third_flags[c] & SATURATED) != 0) & ((flags[c] & SATURATED) == 0);
        flags[c] |= late ? DO_NOT_USE : 0;
    }
}

static void withdraw_late(Ramps ramps, int64_t y)
{
    int64_t first = line_of(ramps, 0, y), second = line_of(ramps, 1, y), third = line_of(ramps, 2, y);
    int64_t n = ramps.columns, pixel = y * n;
    const float *one = ramps.data + first, *two = ramps.data + second, *limit = ramps.limit + pixel;
    const uint8_t *after_third = ramps.after + third;
    if (ramps.bias)
        withdraw_late_line(one, two, limit, ramps.bias + pixel, after_third, ramps.nframes, n, ramps.after + second);
    else
        withdraw_late_line(one, two, limit, NULL, after_third, ramps.nframes, n, ramps.after + second);
}

static void flag_integration(Ramps ramps, uint8_t *reached, Ring spilt, Ring hidden)
{
    int64_t grow = spilt.grow;
    for (int64_t step = 0; step < ramps.rows + 2 * grow; step++) {
        if (step < ramps.rows)
            flag_row(ramps, step, reached, spilt);
        int64_t y = step - grow;
        if (y >= 0 && y < ramps.rows) {
            spill(ramps, y, spilt);
            if (ramps.nframes > 1)
                hide(ramps, y, hidden);
            if (ramps.nframes > 0 && ramps.groups > 2)
                withdraw_late(ramps, y);
        }
        y = step - 2 * grow;
        if (ramps.nframes > 1 && y >= 0)
            for (int64_t g = 0; g + 1 < ramps.groups; g++)
                add_around(hidden, y, ramps.rows, g, ramps.after + line_of(ramps, g, y));
    }
}

static void count(const uint8_t *restrict seen, int64_t n, int32_t *saturated, int32_t *at_floor)
{
    int32_t full = 0, low = 0;
    for (int64_t c = 0; c < n; c++) {
        full += (seen[c] & SATURATED) != 0;
        low += (seen[c] & AD_FLOOR) != 0;
    }
    *saturated = full;
    *at_floor = low;
}

/* `nframes` is 0 where groups are not known to average frames. The rest up to `reached` is memory: `lines` and `found`
 * for rings of rules 1 and 3, with 2 grow + 1 rows each; `wide` for a row and `grow` pixels at both ends. */
KERNEL(void, saturation_flag,
       (const float *restrict data, const uint8_t *restrict groupdq, const uint32_t *restrict pixeldq,
        const float *restrict level, const uint32_t *restrict level_dq, const float *restrict bias, int64_t nframes,
        uint8_t *restrict unchecked, uint8_t *restrict seen, uint8_t *restrict lines, uint8_t *restrict found,
        uint8_t *restrict wide, uint8_t *restrict reached, float *restrict limit, uint8_t *restrict flags,
        uint32_t *restrict new_dq, int32_t *restrict counts, int64_t integrations, int64_t groups, int64_t rows,
        int64_t columns, int64_t depth, int64_t width))
{
    int64_t pixels = rows * columns, grow = (depth - 1) / 2;
    memset(wide, 0, (size_t)width);
    memset(seen, 0, (size_t)pixels);
    set_thresholds(pixeldq, level, level_dq, pixels, limit, unchecked, new_dq);
    Ring spilt = {grow, groups, columns, lines, found, wide};
    Ring hidden = {grow, groups, columns, lines + depth * groups * columns, found + depth * groups, wide};
    for (int64_t i = 0; i < integrations; i++) {
        int64_t at = i * groups * pixels;
        Ramps ramps = {data + at, groupdq + at, flags + at, limit, bias,
                       unchecked, seen, groups, rows, columns, nframes};
        flag_integration(ramps, reached, spilt, hidden);
    }
    for (int64_t y = 0; y < rows; y++)
        count(seen + y * columns, columns, counts + y, counts + rows + y);
}

static bool find_full(const float *restrict counts, const float *restrict limit, int64_t n, uint8_t *restrict full)
{
    uint8_t found = 0;
    for (int64_t c = 0; c < n; c++) {
        full[c] = counts[c] >= limit[c] ? SATURATED : 0;
        found |= full[c];
    }
    return found;
}

static void clear_flagged(const float *restrict counts, const uint8_t *restrict full, int64_t n, float *restrict out)
{
    for (int64_t c = 0; c < n; c++)
        out[c] = ((full[c] != 0) | (counts[c] <= 0.0f)) ? 0.0f : counts[c];
}

/* Zero frames have no flags: what rules 1 and 2 flag becomes 0. */
KERNEL(void, saturation_clear_zeroframe,
       (const float *restrict zeroframe, const float *restrict limit, uint8_t *restrict lines, uint8_t *restrict found,
        uint8_t *restrict wide, uint8_t *restrict full, float *restrict cleared, int64_t integrations, int64_t rows,
        int64_t columns, int64_t depth, int64_t width))
{
    int64_t pixels = rows * columns, grow = (depth - 1) / 2;
    memset(wide, 0, (size_t)width);
    Ring spilt = {grow, 1, columns, lines, found, wide};
    for (int64_t i = 0; i < integrations; i++)
        for (int64_t step = 0; step < rows + grow; step++) {
            int64_t at = i * pixels + step * columns, y = step - grow;
            if (step < rows)
                keep(spilt, step, 0, find_full(zeroframe + at, limit + step * columns, columns, wide + grow));
            if (y < 0)
                continue;
            memset(full, 0, (size_t)columns);
            add_around(spilt, y, rows, 0, full);
            at = i * pixels + y * columns;
            clear_flagged(zeroframe + at, full, columns, cleared + at);
        }
}
