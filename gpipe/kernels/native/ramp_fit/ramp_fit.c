/* Ramp fits, a tile after the other: gpipe.ramp_fitting.fit.fit_ramps in one pass over the samples.
 *
 * From noise and sums to rates the arithmetic of a pixel is that of the CUDA kernel (shared/ramp_fit.cuh). The way to
 * the sums is not: there a thread visits the groups of its pixel with branches, here each step is a loop over
 * neighbouring pixels without branches, which the compiler makes vector code of. One of the two would become slow.
 */
#include "ramp_fit/restore.h"

/* The arrays that are fitted, and the elements from one integration, group or row to the next. */
typedef struct {
    const float *data, *zeroframe, *readnoise, *gain, *dark;
    const uint8_t *groupdq;
    const uint32_t *pixeldq;
    int64_t data_steps[3], groupdq_steps[3], zeroframe_steps[2];
} Ramps;

/* Slopes, Poisson and read-noise variances and errors of the exposure and of each integration, and their flags. */
typedef struct {
    float *exposure, *each;
    uint32_t *exposure_dq, *each_dq;
    int64_t integrations, rows, columns;
} Fitted;

static Samples samples_of(const Ramps *x, int64_t i, int64_t r, int64_t start)
{
    return (Samples){
        .data = x->data + i * x->data_steps[0] + r * x->data_steps[2] + start,
        .data_step = x->data_steps[1],
        .groupdq = x->groupdq + i * x->groupdq_steps[0] + r * x->groupdq_steps[2] + start,
        .groupdq_step = x->groupdq_steps[1],
        .zeroframe =
            x->zeroframe ? x->zeroframe + i * x->zeroframe_steps[0] + r * x->zeroframe_steps[1] + start : NULL,
    };
}

static Rates lines_of(float *results, int64_t step, uint32_t *dq, int64_t at)
{
    return (Rates){.slope = results + at,
                   .var_poisson = results + step + at,
                   .var_rnoise = results + 2 * step + at,
                   .err = results + 3 * step + at,
                   .dq = dq + at};
}

static Rates exposure_lines(const Fitted *f, int64_t r, int64_t start)
{
    return lines_of(f->exposure, f->rows * f->columns, f->exposure_dq, r * f->columns + start);
}

static Rates integration_lines(const Fitted *f, int64_t i, int64_t r, int64_t start)
{
    int64_t step = f->integrations * f->rows * f->columns;
    return lines_of(f->each, step, f->each_dq, (i * f->rows + r) * f->columns + start);
}

/* Its first estimate of the rate and its sums over segments. */
static void measure(const Settings *s, Tile *t, Sums *sums, Pixels *pixels, Work *few, int64_t n)
{
    sums->odds = find_pattern(s, t, sums, n);
    if (sums->odds == NO_PATTERN)
        measure_each(s, t, sums, pixels, n);
    else
        measure_plain(s, t, sums, pixels, few, n);
}

static void restore(const Settings *s, const Ramps *x, Work *work, const Fitted *f, int64_t r, int64_t start, int64_t n)
{
    Pixels *pixels = &work->pixels;
    const uint8_t *seen = work->sums[s->integrations].seen;
    if (!(union_of(seen, n) & CHARGELOSS))
        return;
    fill_line(pixels->information, 0.0f, n);
    for (int64_t i = 0; i < s->integrations; i++) {
        Samples samples = samples_of(x, i, r, start);
        restore_integration(s, &samples, &work->tile, work->sums + i, pixels, integration_lines(f, i, r, start), n);
    }
    set_exposure_variance(pixels->information, seen, exposure_lines(f, r, start).var_rnoise, n);
}

static void fit_tile(const Settings *s, const Ramps *x, Work *work, Work *few, const Fitted *f, int64_t r,
                     int64_t start, int64_t n)
{
    Tile *t = &work->tile;
    Pixels *pixels = &work->pixels;
    int64_t at = r * f->columns + start;
    begin_pixels(s, x->pixeldq + at, x->readnoise + at, x->gain + at, pixels, n);
    for (int64_t i = 0; i < s->integrations; i++) {
        Samples samples = samples_of(x, i, r, start);
        prepare_groups(s, &samples, t, work->sums + i, n);
        measure(s, t, work->sums + i, pixels, few, n);
    }
    find_units(s, x->dark ? x->dark + at : t->none, pixels, n);
    for (int64_t i = 0; i < s->integrations; i++)
        finish_integration(s, t, work->sums + i, pixels, few, integration_lines(f, i, r, start), n);
    finish_exposure(s, work->sums, pixels, exposure_lines(f, r, start), n);
    if (s->restore)
        restore(s, x, work, f, r, start, n);
}

static void take_all(Memory *memory, Work *work, Work *few, int64_t integrations, int64_t groups, int64_t width)
{
    take_work(memory, work, integrations, groups, width);
    take_work(memory, few, 1, groups, FEW);
}

/* Bytes of memory for each thread. */
KERNEL(int64_t, ramp_fit_memory, (int64_t integrations, int64_t groups, int64_t columns))
{
    Memory memory = {NULL, LINE};
    Work work, few;
    take_all(&memory, &work, &few, integrations, groups, width_of(integrations, columns));
    return memory.taken;
}

/* Fit the rows from `first_row` to before `stop_row`. */
KERNEL(void, ramp_fit, (const float *restrict data, int64_t data_by_integrations, int64_t data_by_groups,
                        int64_t data_by_rows, const uint8_t *restrict groupdq, int64_t groupdq_by_integrations,
                        int64_t groupdq_by_groups, int64_t groupdq_by_rows, const uint32_t *restrict pixeldq,
                        const float *restrict readnoise, const float *restrict gain, const float *restrict dark,
                        const float *restrict zeroframe, int64_t zeroframe_by_integrations, int64_t zeroframe_by_rows,
                        const float *restrict table, const int32_t *restrict network, float first_group_time,
                        float frame_time, float group_time, float since_reset, float since_first_frame,
                        float noise_of_group, int64_t first, int64_t last, bool suppress, bool ignore_jump,
                        bool restore_lost, int64_t first_row, int64_t stop_row, float *restrict exposure,
                        uint32_t *restrict exposure_dq, float *restrict each, uint32_t *restrict each_dq,
                        uint8_t *restrict scratch, int64_t integrations, int64_t groups, int64_t rows, int64_t columns,
                        int64_t coefficients, int64_t exchanges, int64_t bytes))
{
    Settings s = {
        .integrations = integrations, .groups = groups, .first = first, .last = last,
        .first_group_time = first_group_time, .frame_time = frame_time, .group_time = group_time,
        .since_reset = since_reset, .since_first_frame = since_first_frame, .noise_of_group = noise_of_group,
        .suppress = suppress, .ignore_jump = ignore_jump, .restore = restore_lost,
        .table = table, .network = network, .exchanges = exchanges,
    };
    Ramps x = {
        .data = data, .data_steps = {data_by_integrations, data_by_groups, data_by_rows},
        .groupdq = groupdq, .groupdq_steps = {groupdq_by_integrations, groupdq_by_groups, groupdq_by_rows},
        .zeroframe = zeroframe, .zeroframe_steps = {zeroframe_by_integrations, zeroframe_by_rows},
        .pixeldq = pixeldq, .readnoise = readnoise, .gain = gain, .dark = dark,
    };
    Fitted f = {exposure, each, exposure_dq, each_dq, integrations, rows, columns};
    int64_t width = width_of(integrations, columns);
    Memory memory = {scratch, -(intptr_t)scratch & (LINE - 1)};
    Work work, few;
    take_all(&memory, &work, &few, integrations, groups, width);
    fill_line(work.tile.none, 0.0f, width);
    for (int64_t r = first_row; r < stop_row; r++)
        for (int64_t start = 0; start < columns; start += width)
            fit_tile(&s, &x, &work, &few, &f, r, start, smaller(width, columns - start));
}
