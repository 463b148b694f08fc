/* Ramp fits: median_rate and sum_segments of a tile whose pixels have flags of their own each. */
#ifndef GPIPE_RAMP_FIT_SUMS_H
#define GPIPE_RAMP_FIT_SUMS_H

#include "ramp_fit/groups.h"

#define STRETCH 64 /* columns whose steps are ranked at once */

static void fill_line(float *line, float value, int64_t n)
{
    for (int64_t c = 0; c < n; c++)
        line[c] = value;
}

/* masked_median: a step between usable groups, or else a very large and a very small number in turn. */
static void rank_step(const uint8_t *restrict earlier, const uint8_t *restrict later, const float *restrict step,
                      float *restrict ranked, float *restrict fill, uint8_t *restrict some, int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        uint8_t unusable = (uint8_t)((earlier[c] & UNUSABLE) | (later[c] & (UNUSABLE | JUMP_DET)));
        float instead = fill[c], opposite = -instead, given = step[c];
        float value = unusable ? instead : given, next = unusable ? opposite : instead;
        ranked[c] = value;
        fill[c] = next;
        some[c] |= unusable == 0;
    }
}

static void rank_steps(const Settings *s, Tile *t, uint8_t *some, int64_t n)
{
    memset(some, 0, (size_t)n);
    fill_line(t->fill, FLT_MAX, n);
    for (int64_t k = 0; k < s->groups - 1; k++) {
        const uint8_t *flag = t->flags + k * t->pitch;
        rank_step(flag, flag + t->pitch, t->steps + k * t->pitch, t->ranked + k * t->pitch, t->fill, some, n);
    }
}

/* Bring the middle steps to their places, a stretch of columns after the other, which stays in the fastest cache. */
static void select_middle(const Settings *s, float *ranked, int64_t pitch, int64_t n)
{
    for (int64_t start = 0; start < n; start += STRETCH)
        for (int64_t e = 0; e < s->exchanges; e++) {
            float *low = ranked + s->network[2 * e] * pitch + start;
            float *high = ranked + s->network[2 * e + 1] * pitch + start;
            if (n - start >= STRETCH)
                exchange(low, high, STRETCH);
            else
                exchange(low, high, n - start);
        }
}

/* The median of the steps, some of which are replaced: their number is odd where `fill` is negative. */
static void take_middle(const float *restrict lower, const float *restrict upper, const float *restrict fill,
                        bool is_odd, float *restrict middle, int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        float below = lower[c], above = upper[c];
        float mean = 0.5f * below + 0.5f * above, single = is_odd ? above : below;
        middle[c] = (fill[c] < 0.0f) == is_odd ? mean : single;
    }
}

/* The rate of an integration joins the sum, if it has one. */
static void add_rate(const Settings *s, const float *restrict middle, const uint8_t *restrict some,
                     const float *restrict value, const uint8_t *restrict kind, float *restrict rate, int64_t n)
{
    float group_time = s->group_time, first_group_time = s->first_group_time, frame_time = s->frame_time;
    for (int64_t c = 0; c < n; c++) {
        float first = value[c], median = middle[c];
        float of_group = some[c] ? median : 0.0f;
        float since = kind[c] == FROM_ZEROFRAME ? frame_time : first_group_time;
        float signal = kind[c] ? first : of_group, time = kind[c] ? since : group_time;
        rate[c] += signal / time;
    }
}

/* median_rate, once the steps are ranked. */
static void add_median(const Settings *s, Tile *t, const uint8_t *some, const uint8_t *kind, float *rate, int64_t n)
{
    int64_t steps = s->groups - 1, pitch = t->pitch;
    select_middle(s, t->ranked, pitch, n);
    const float *lower = t->ranked + larger((steps - 1 - steps % 2) / 2, 0) * pitch;
    const float *upper = t->ranked + steps / 2 * pitch;
    take_middle(lower, upper, t->fill, steps % 2, t->line, n);
    add_rate(s, t->line, some, t->values, kind, rate, n);
}

/* median_rate of single groups. */
static void add_single_rate(const float *restrict value, const uint8_t *restrict flag, float first_group_time,
                            float *restrict rate, float *restrict missing, int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        float since_reset = value[c] / first_group_time;
        bool unusable = (flag[c] & UNUSABLE) != 0;
        rate[c] += unusable ? 0.0f : since_reset;
        missing[c] += unusable ? 1.0f : 0.0f;
    }
}

/* exponent_index; the last one where the limits are NaN. */
INLINED int32_t level_of(float rise, float one, float two, float three, float four, float five)
{
    return LEVELS - ((rise < one) + (rise < two) + (rise < three) + (rise < four) + (rise < five));
}

/* segment_exponents, forwards: the rise of a segment so far and the exponent's index for it. */
static void follow_rise(const int32_t *restrict place, const float *restrict step, const Pixels *pixels,
                        float *restrict rise, int32_t *restrict level, int64_t n)
{
    const float *restrict one = pixels->limits[0], *restrict two = pixels->limits[1];
    const float *restrict three = pixels->limits[2], *restrict four = pixels->limits[3];
    const float *restrict five = pixels->limits[4];
    for (int64_t c = 0; c < n; c++) {
        float sum = rise[c] + step[c], inside = place[c] ? sum : 0.0f;
        rise[c] = inside;
        level[c] = level_of(inside, one[c], two[c], three[c], four[c], five[c]);
    }
}

/* The same backwards: all steps of a segment have the index of its last one. */
static void carry_level(const int32_t *restrict place_after, const int32_t *restrict after, int32_t *restrict level,
                        int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        int32_t own = level[c], later = after[c], chosen = place_after[c] ? later : own;
        level[c] = chosen;
    }
}

static void find_levels(const Settings *s, Tile *t, const Pixels *pixels, int64_t n)
{
    int64_t steps = s->groups - 1, pitch = t->pitch;
    fill_line(t->line, 0.0f, n);
    for (int64_t k = 0; k < steps; k++)
        follow_rise(t->place + k * pitch, t->steps + k * pitch, pixels, t->line, t->level + k * pitch, n);
    for (int64_t k = steps - 2; k >= 0; k--)
        carry_level(t->place + (k + 1) * pitch, t->level + (k + 1) * pitch, t->level + k * pitch, n);
}

/* lone_value: the signal of the first good group. */
static void add_lone(const float *restrict value, const uint8_t *restrict flag, uint8_t *restrict waiting,
                     float *restrict signal, int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        uint8_t is_good = (flag[c] & GOOD_BITS) == 0, is_first = waiting[c] & is_good;
        float given = value[c], taken = is_first ? given : 0.0f;
        signal[c] += taken;
        waiting[c] ^= is_first;
    }
}

/* Sums over lone groups, which are 0 for other ramps. */
static void begin_sums(const Settings *s, const Tile *t, uint8_t *lone, Sums *sums, int64_t n)
{
    float *restrict signal = sums->signal, *restrict reading = sums->reading, *restrict photons = sums->photons;
    const float *restrict time = sums->time;
    fill_line(signal, 0.0f, n);
    if (union_of(lone, n))
        for (int64_t k = 0; k < s->groups; k++)
            add_lone(t->values + k * t->pitch, t->flags + k * t->pitch, lone, signal, n);
    for (int64_t c = 0; c < n; c++) {
        signal[c] = 6.0f * time[c] * signal[c];
        reading[c] = 6.0f * time[c] * time[c];
        photons[c] = time[c];
    }
}

/* One more step: its coefficient is that of table_index. */
static void add_step(const float *restrict step, const int32_t *restrict place, const int32_t *restrict length,
                     const int32_t *restrict level, const float *restrict table, int32_t side, float *restrict signal,
                     float *restrict reading, float *restrict photons, int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        float count = (float)length[c];
        signal[c] += table[(level[c] * side + length[c]) * side + place[c]] * step[c];
        reading[c] += count * (count + 1.0f);
        photons[c] += place[c] ? 1.0f : 0.0f;
    }
}

/* sum_segments. */
static void sum_each(const Settings *s, Tile *t, const Pixels *pixels, Sums *sums, int64_t n)
{
    int64_t pitch = t->pitch;
    uint8_t *lone = t->once;
    find_segments(s, t, sums->length, n);
    find_levels(s, t, pixels, n);
    find_lone_time(s, t, sums->kind, lone, sums->time, n);
    begin_sums(s, t, lone, sums, n);
    for (int64_t k = 0; k < s->groups - 1; k++)
        add_step(t->steps + k * pitch, t->place + k * pitch, sums->length + k * pitch, t->level + k * pitch, s->table,
                 (int32_t)s->groups + 1, sums->signal, sums->reading, sums->photons, n);
}

static bool is_all(const uint8_t *mask, int64_t n)
{
    uint8_t all = 1;
    for (int64_t c = 0; c < n; c++)
        all &= mask[c];
    return all;
}

/* Pixels without a usable step, and not measured against the reset, miss a rate; the lone_value of those is summed for
 * itself. */
static void add_only(const Settings *s, Tile *t, const uint8_t *restrict some, const uint8_t *restrict kind,
                     Pixels *pixels, int64_t n)
{
    uint8_t *restrict waiting = t->twice;
    const uint8_t *restrict first = t->flags;
    float *restrict only = t->only, *restrict missing = pixels->missing;
    float *restrict rate = pixels->only_rate, *restrict onlies = pixels->onlies;
    float group_time = s->group_time;
    for (int64_t c = 0; c < n; c++) {
        uint8_t misses = (some[c] == 0) & (kind[c] == 0), starts = misses & ((first[c] & SATURATED) == 0);
        missing[c] += misses ? 1.0f : 0.0f;
        onlies[c] += starts ? 1.0f : 0.0f;
        waiting[c] = starts;
    }
    fill_line(only, 0.0f, n);
    for (int64_t k = 0; k < s->groups; k++)
        add_lone(t->values + k * t->pitch, t->flags + k * t->pitch, waiting, only, n);
    for (int64_t c = 0; c < n; c++) {
        rate[c] += only[c] / group_time;
        onlies[c] -= waiting[c] ? 1.0f : 0.0f;
    }
}

/* median_rate of pixels with flags of their own each. */
static void add_each_median(const Settings *s, Tile *t, const Sums *sums, Pixels *pixels, int64_t n)
{
    uint8_t *some = t->once;
    if (s->groups == 1) {
        add_single_rate(t->values, t->flags, s->first_group_time, pixels->rate, pixels->missing, n);
        return;
    }
    rank_steps(s, t, some, n);
    if (!is_all(some, n))
        add_only(s, t, some, sums->kind, pixels, n);
    add_median(s, t, some, sums->kind, pixels->rate, n);
}

/* The first estimate of the rate and the sums over segments of pixels with flags of their own each. */
static void measure_each(const Settings *s, Tile *t, Sums *sums, Pixels *pixels, int64_t n)
{
    add_each_median(s, t, sums, pixels, n);
    sum_each(s, t, pixels, sums, n);
}

#endif
