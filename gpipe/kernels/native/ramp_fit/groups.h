/* Ramp fits: prepare_groups and find_segments of a tile. */
#ifndef GPIPE_RAMP_FIT_GROUPS_H
#define GPIPE_RAMP_FIT_GROUPS_H

#include "ramp_fit/tile.h"

/* A group that is not finite is DO_NOT_USE. */
static void load_group(const float *restrict data, const uint8_t *restrict groupdq, uint8_t outside,
                       float *restrict value, uint8_t *restrict flag, int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        float sample = data[c];
        bool finite = fabsf(sample) <= FLT_MAX;
        value[c] = finite ? sample : 0.0f;
        flag[c] = (uint8_t)(groupdq[c] | outside | (finite ? 0 : DO_NOT_USE));
    }
}

/* `once` is 1 where one group is good, `twice` where another one is. */
static void count_good(const uint8_t *restrict flag, uint8_t *restrict once, uint8_t *restrict twice, int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        uint8_t good = (flag[c] & GOOD_BITS) == 0;
        twice[c] |= once[c] & good;
        once[c] |= good;
    }
}

static void forget(uint8_t *restrict flag, const uint8_t *restrict bits, int64_t n)
{
    for (int64_t c = 0; c < n; c++)
        flag[c] &= (uint8_t)~bits[c];
}

static void forget_jumps(uint8_t *flag, int64_t n)
{
    for (int64_t c = 0; c < n; c++)
        flag[c] &= 0xFF ^ JUMP_DET;
}

static void unite(const uint8_t *restrict part, uint8_t *restrict all, int64_t n)
{
    for (int64_t c = 0; c < n; c++)
        all[c] |= part[c];
}

static uint8_t union_of(const uint8_t *flags, int64_t n)
{
    uint8_t all = 0;
    for (int64_t c = 0; c < n; c++)
        all |= flags[c];
    return all;
}

/* A ramp of which one group only is good is not used. */
static void suppress_only(const Settings *s, Tile *t, int64_t n)
{
    forget(t->once, t->twice, n);
    if (!union_of(t->once, n))
        return;
    for (int64_t k = 0; k < s->groups; k++)
        unite(t->once, t->flags + k * t->pitch, n); /* DO_NOT_USE is 1 */
}

/* The first group stands alone if no later one is good; the ZEROFRAME stands in for a bad one. */
static void replace_lone(const uint8_t *restrict later, const float *restrict zeroframe, float *restrict value,
                         uint8_t *restrict flag, uint8_t *restrict kind, int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        float frame = zeroframe[c], given = value[c];
        uint8_t bits = flag[c], lonely = later[c] == 0;
        bool instead = lonely & (bits != 0) & (frame != 0.0f) & (fabsf(frame) <= FLT_MAX);
        uint8_t since_reset = (lonely & (bits == 0)) ? FROM_RESET : 0, found = instead ? FROM_ZEROFRAME : since_reset;
        float first = instead ? frame : given;
        uint8_t left = instead ? 0 : bits;
        kind[c] = found;
        value[c] = first;
        flag[c] = left;
    }
}

static void find_lone(const Settings *s, const float *zeroframe, Tile *t, uint8_t *kind, int64_t n)
{
    uint8_t *restrict later = t->once;
    memset(later, 0, (size_t)n);
    for (int64_t k = 1; k < s->groups; k++) {
        const uint8_t *restrict flag = t->flags + k * t->pitch;
        for (int64_t c = 0; c < n; c++)
            later[c] |= flag[c] == 0;
    }
    replace_lone(later, zeroframe, t->values, t->flags, kind, n);
}

/* Nothing is saturated where the ZEROFRAME stands in for the only group: _partly_saturated. */
static void forget_replaced(const uint8_t *restrict kind, uint8_t *restrict seen, int64_t n)
{
    for (int64_t c = 0; c < n; c++)
        seen[c] &= kind[c] == FROM_ZEROFRAME ? 0xFF ^ SATURATED : 0xFF;
}

static void take_step(const float *restrict earlier, const float *restrict later, float *restrict step, int64_t n)
{
    for (int64_t c = 0; c < n; c++)
        step[c] = later[c] - earlier[c];
}

static void find_started(const uint8_t *restrict first, uint8_t *restrict started, int64_t n)
{
    for (int64_t c = 0; c < n; c++)
        started[c] = (first[c] & SATURATED) == 0;
}

static void read_groups(const Settings *s, const Samples *x, Tile *t, uint8_t *seen, int64_t n)
{
    memset(seen, 0, (size_t)n);
    memset(t->once, 0, (size_t)n);
    memset(t->twice, 0, (size_t)n);
    for (int64_t k = 0; k < s->groups; k++) {
        uint8_t *flag = t->flags + k * t->pitch, outside = s->first <= k && k <= s->last ? 0 : DO_NOT_USE;
        load_group(x->data + k * x->data_step, x->groupdq + k * x->groupdq_step, outside, t->values + k * t->pitch,
                   flag, n);
        count_good(flag, t->once, t->twice, n);
        if (k == 0 && s->ignore_jump)
            forget_jumps(flag, n);
        unite(flag, seen, n);
    }
}

/* prepare_groups of one integration. */
static void prepare_groups(const Settings *s, const Samples *x, Tile *t, Sums *sums, int64_t n)
{
    read_groups(s, x, t, sums->seen, n);
    memset(sums->kind, 0, (size_t)n);
    if (s->suppress && s->groups > 1)
        suppress_only(s, t, n);
    else
        find_lone(s, x->zeroframe ? x->zeroframe : t->none, t, sums->kind, n);
    if (s->groups == 1)
        forget_replaced(sums->kind, sums->seen, n);
    for (int64_t k = 1; k < s->groups; k++) {
        const float *value = t->values + k * t->pitch;
        take_step(value - t->pitch, value, t->steps + (k - 1) * t->pitch, n);
    }
    find_started(t->flags, sums->started, n);
}

static void find_places(const uint8_t *restrict earlier, const uint8_t *restrict later, const uint8_t *restrict first,
                        const int32_t *restrict before, int32_t *restrict place, int32_t *restrict joined, int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        uint8_t outside = (uint8_t)((earlier[c] & OPENING_BITS) | (later[c] & GOOD_BITS) | (first[c] & SATURATED));
        int32_t last = before[c], number = last > 0 ? last + 1 : 2, here = outside ? 0 : number;
        place[c] = here;
        joined[c] |= here;
    }
}

static void carry_lengths(const int32_t *restrict place, const int32_t *restrict after, int32_t *restrict length,
                          int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        int32_t number = place[c], later = after[c], whole = later > number ? later : number;
        length[c] = number ? whole : 0;
    }
}

/* find_segments: of the step from each group to the next the place of the later group in its segment, counted from 1,
 * and the segment's length; 0 outside of segments. `joined` is 0 where there are none. */
static void find_segments(const Settings *s, Tile *t, int32_t *length, int64_t n)
{
    int64_t steps = s->groups - 1, pitch = t->pitch;
    memset(t->joined, 0, (size_t)n * sizeof *t->joined);
    memset(length + steps * pitch, 0, (size_t)n * sizeof *length);
    const int32_t *before = length + steps * pitch;
    for (int64_t k = 0; k < steps; k++) {
        const uint8_t *flag = t->flags + k * pitch;
        find_places(flag, flag + pitch, t->flags, before, t->place + k * pitch, t->joined, n);
        before = t->place + k * pitch;
    }
    for (int64_t k = steps - 1; k >= 0; k--)
        carry_lengths(t->place + k * pitch, length + (k + 1) * pitch, length + k * pitch, n);
}

static void set_lone_time(const Settings *s, const uint8_t *restrict lone, const uint8_t *restrict kind,
                          float *restrict time, int64_t n)
{
    float since_reset = s->since_reset, since_first_frame = s->since_first_frame;
    for (int64_t c = 0; c < n; c++) {
        float other = kind[c] == FROM_ZEROFRAME ? since_first_frame : 1.0f;
        float whole = kind[c] == FROM_RESET ? since_reset : other;
        time[c] = lone[c] ? whole : 0.0f;
    }
}

/* lone_time; `lone` gets 1 where the ramp is a lone group. */
static void find_lone_time(const Settings *s, const Tile *t, const uint8_t *kind, uint8_t *restrict lone, float *time,
                           int64_t n)
{
    const int32_t *restrict joined = t->joined;
    memset(lone, 0, (size_t)n);
    for (int64_t k = 0; k < s->groups; k++) {
        const uint8_t *restrict flag = t->flags + k * t->pitch;
        for (int64_t c = 0; c < n; c++)
            lone[c] |= (flag[c] & GOOD_BITS) == 0;
    }
    const uint8_t *restrict first = t->flags;
    for (int64_t c = 0; c < n; c++)
        lone[c] &= ((first[c] & SATURATED) == 0) & (joined[c] == 0);
    set_lone_time(s, lone, kind, time, n);
}

#endif
