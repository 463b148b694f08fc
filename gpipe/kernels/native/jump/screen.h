/* Jumps: columns that have no value far from their median, told without ranking them, which takes the most time.
 *
 * The median of a column lies between two bounds about its mean, as counting shows. Where even at the worse bound no
 * value is off by more than is allowed, none is off from the median: rounding keeps order, so that this holds bit by
 * bit.
 */
#ifndef GPIPE_JUMP_SCREEN_H
#define GPIPE_JUMP_SCREEN_H

#include "jump/search.h"

#define REACH 3.0f /* median and mean differ by less than so many standard errors of the mean, or else it is ranked */
#define ROUNDING (2.0f * FLT_EPSILON)
#define ALLOWED 1e-4f

/* What is known of the values of LANES columns. */
typedef struct {
    int32_t number[LANES];
    float total[LANES], lowest[LANES], highest[LANES];
} Known;

/* Where their medians lie, and by how much values may be off. */
typedef struct {
    float lower[LANES], upper[LANES], allowed[LANES];
} Bounds;

static inline void forget(Known *known)
{
    for (int k = 0; k < LANES; k++) {
        known->number[k] = 0;
        known->total[k] = 0.0f;
        known->lowest[k] = MISSING;
        known->highest[k] = -MISSING;
    }
}

/* Number, total and extremes of `count` values, `step` elements apart. */
static void gather(const float *values, int64_t step, int64_t count, Known *known)
{
    Known all;
    forget(&all);
    for (const float *line = values; line < values + count * step; line += step)
        for (int k = 0; k < LANES; k++) {
            float value = line[k];
            bool is_known = value == value;
            all.number[k] += is_known ? 1 : 0;
            all.total[k] += is_known ? value : 0.0f;
            all.lowest[k] = value < all.lowest[k] ? value : all.lowest[k];
            all.highest[k] = value > all.highest[k] ? value : all.highest[k];
        }
    *known = all;
}

/* Where the median does not lie within its bounds, or a value may be off by more than is allowed, `far` is not 0. */
static void judge(const float *values, int64_t step, int64_t count, const Known *known, const Bounds *bounds,
                  int32_t *restrict far)
{
    int32_t below[LANES] = {0}, above[LANES] = {0};
    float lower[LANES], upper[LANES];
    memcpy(lower, bounds->lower, sizeof lower);
    memcpy(upper, bounds->upper, sizeof upper);
    for (const float *line = values; line < values + count * step; line += step)
        for (int k = 0; k < LANES; k++) {
            below[k] += line[k] < lower[k] ? 1 : 0;
            above[k] += line[k] > upper[k] ? 1 : 0;
        }
    for (int k = 0; k < LANES; k++) {
        int32_t half = (known->number[k] - 1) / 2;
        float off = bounds->allowed[k];
        bool bounded = (below[k] <= half) & (above[k] <= half) & (known->highest[k] - lower[k] <= off)
                       & (upper[k] - known->lowest[k] <= off);
        far[k] = !(bounded | (known->number[k] == 0));
    }
}

/* Columns where a difference may be off by more than `threshold` sigma, or above the median by one of the levels. The
 * total may be rounded. */
static void find_loud(const float *values, int64_t step, int64_t count, const float *restrict variance,
                      float threshold, const Rules *rules, const Known *known, int32_t *restrict loud)
{
    Bounds bounds;
    for (int k = 0; k < LANES; k++) {
        float number = (float)known->number[k], centre = known->total[k] / number, size = fabsf(centre);
        float reach = REACH * sqrtf((size + variance[k]) / number), nearest = size - reach;
        float least = (nearest > 0.0f ? nearest : 0.0f) + variance[k];
        bounds.lower[k] = centre - reach;
        bounds.upper[k] = centre + reach;
        bounds.allowed[k] = threshold * (least > 0.0f ? sqrtf(least) : NOT_A_NUMBER);
    }
    judge(values, step, count, known, &bounds, loud);
    for (int64_t n = 0; n < rules->level_count; n++)
        for (int k = 0; k < LANES; k++) {
            bool small = known->highest[k] - bounds.lower[k] < rules->levels[n];
            loud[k] |= !(small | (known->number[k] == 0));
        }
}

static void add_squares(const float *values, int64_t step, int64_t count, const float *mean, float *squares)
{
    float middle[LANES], sum[LANES] = {0};
    memcpy(middle, mean, sizeof middle);
    for (const float *line = values; line < values + count * step; line += step)
        for (int k = 0; k < LANES; k++) {
            float off = line[k] - middle[k], square = off * off;
            sum[k] += square == square ? square : 0.0f;
        }
    memcpy(squares, sum, sizeof sum);
}

/* Sets of `count` values, `step` elements apart, that sigma clipping may take values from.
 *
 * What lies between the first bounds of a set goes on to the next turn. Where that is all of it, no turn changes
 * anything. Those bounds are the median plus and minus some standard deviations, of which rounding here takes less than
 * what is allowed for: the sum and the sum of squares were rounded with each addition. */
static void find_cut(const float *values, int64_t step, int64_t count, float threshold, Known *known,
                     int32_t *restrict cut)
{
    Bounds bounds;
    float mean[LANES], squares[LANES];
    gather(values, step, count, known);
    for (int k = 0; k < LANES; k++)
        mean[k] = known->total[k] / (float)known->number[k];
    add_squares(values, step, count, mean, squares);
    for (int k = 0; k < LANES; k++) {
        float number = (float)known->number[k], variance = squares[k] / number, rounding = ROUNDING * number;
        float reach = REACH * sqrtf(variance / number);
        float size = known->highest[k] > -known->lowest[k] ? known->highest[k] : -known->lowest[k];
        float scatter = sqrtf(variance) * (1.0f - ALLOWED - rounding) - rounding * size;
        float off = threshold * (scatter > 0.0f ? scatter : 0.0f);
        bounds.lower[k] = mean[k] - reach;
        bounds.upper[k] = mean[k] + reach;
        bounds.allowed[k] = off <= MISSING ? off : NOT_A_NUMBER; /* squares of values beyond 1e19 are infinite */
    }
    judge(values, step, count, known, &bounds, cut);
}

/* Number, total and extremes of a part of columns, for all of them. */
static void add_known(const Known *restrict part, Known *restrict all)
{
    for (int k = 0; k < LANES; k++) {
        all->number[k] += part->number[k];
        all->total[k] += part->total[k];
        all->lowest[k] = part->lowest[k] < all->lowest[k] ? part->lowest[k] : all->lowest[k];
        all->highest[k] = part->highest[k] > all->highest[k] ? part->highest[k] : all->highest[k];
    }
}

#endif
