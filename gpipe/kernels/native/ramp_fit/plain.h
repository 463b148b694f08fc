/* Ramp fits: sums of an integration where nearly all pixels of a tile have the same flags, the pattern.
 *
 * Their segments are the same, so that places, lengths and coefficients are numbers instead of planes. The other
 * pixels, the odd ones, are fitted as in sums.h, side by side in a small tile. Results are the same bit by bit.
 */
#ifndef GPIPE_RAMP_FIT_PLAIN_H
#define GPIPE_RAMP_FIT_PLAIN_H

#include "ramp_fit/sums.h"

/* find_segments: the place of the later group of each step in a segment of what size, or 0; whether any has one. */
static bool find_sizes(const uint8_t *pattern, int64_t steps, int64_t *place, int64_t *size)
{
    bool found = false;
    for (int64_t k = 0; k < steps; k++) {
        bool outside = (pattern[k] & OPENING_BITS) || (pattern[k + 1] & GOOD_BITS) || (pattern[0] & SATURATED);
        place[k] = outside ? 0 : larger(k > 0 ? place[k - 1] : 0, 1) + 1;
        found |= !outside;
    }
    for (int64_t k = steps - 1; k >= 0; k--)
        size[k] = place[k] > 0 ? larger(place[k], k + 1 < steps ? size[k + 1] : 0) : 0;
    return found;
}

static void differ(const uint8_t *restrict flag, uint8_t common, uint8_t *restrict is_odd, int64_t n)
{
    for (int64_t c = 0; c < n; c++)
        is_odd[c] |= flag[c] ^ common;
}

/* Write down the columns of the odd pixels, at most so many, and give their number; NO_PATTERN if there are more. It
 * looks at eight pixels at a time, as most are not odd. The last column is repeated, so that loops over the odd pixels
 * leave no remainder. */
static int64_t list_odd(uint8_t *is_odd, int64_t n, int64_t most, int32_t *odd)
{
    int64_t count = 0;
    memset(is_odd + n, 0, (size_t)(-n & 7));
    for (int64_t start = 0; start < n; start += 8) {
        uint64_t eight;
        memcpy(&eight, is_odd + start, 8);
        if (!eight)
            continue;
        for (int64_t c = start; c < start + 8; c++) {
            if (!is_odd[c])
                continue;
            if (count == most)
                return NO_PATTERN;
            odd[count++] = (int32_t)c;
        }
    }
    for (int64_t q = count; q < padded(count); q++)
        odd[q] = odd[count - 1];
    return count;
}

/* The flags that two of three pixels have, their segments and the odd pixels, of which it gives the number. NO_PATTERN
 * if too many are odd, or there are no segments. */
static int64_t find_pattern(const Settings *s, Tile *t, Sums *sums, int64_t n)
{
    for (int64_t k = 0; k < s->groups; k++) {
        const uint8_t *flag = t->flags + k * t->pitch;
        uint8_t one = flag[n / 4], two = flag[n / 2], three = flag[3 * n / 4];
        t->pattern[k] = (one & two) | (one & three) | (two & three);
    }
    if (!find_sizes(t->pattern, s->groups - 1, t->position, sums->size))
        return NO_PATTERN;
    memcpy(t->is_odd, sums->kind, (size_t)n);
    for (int64_t k = 0; k < s->groups; k++)
        differ(t->flags + k * t->pitch, t->pattern[k], t->is_odd, n);
    return list_odd(t->is_odd, n, smaller(FEW, n / 4), sums->odd);
}

static void copy_line(const float *restrict source, float *restrict target, int64_t n)
{
    for (int64_t c = 0; c < n; c++)
        target[c] = source[c];
}

/* median_rate. */
static void add_plain_median(const Settings *s, Tile *t, const uint8_t *kind, float *rate, int64_t n)
{
    float fill = FLT_MAX;
    uint8_t *some = t->once;
    for (int64_t k = 0; k < s->groups - 1; k++) {
        float *ranked = t->ranked + k * t->pitch;
        if ((t->pattern[k] & UNUSABLE) || (t->pattern[k + 1] & (UNUSABLE | JUMP_DET))) {
            fill_line(ranked, fill, n);
            fill = -fill;
        } else
            copy_line(t->steps + k * t->pitch, ranked, n);
    }
    fill_line(t->fill, fill, n);
    for (int64_t c = 0; c < n; c++)
        some[c] = 1; /* a pattern has a segment, so a step */
    add_median(s, t, some, kind, rate, n);
}

static void add_product(const float *restrict values, float factor, float *restrict total, int64_t n)
{
    for (int64_t c = 0; c < n; c++)
        total[c] += factor * values[c];
}

/* The index of the exponent for each pixel. */
static void set_level(const float *restrict rise, const Pixels *pixels, int32_t *restrict level, int64_t n)
{
    const float *restrict one = pixels->limits[0], *restrict two = pixels->limits[1];
    const float *restrict three = pixels->limits[2], *restrict four = pixels->limits[3];
    const float *restrict five = pixels->limits[4];
    for (int64_t c = 0; c < n; c++)
        level[c] = level_of(rise[c], one[c], two[c], three[c], four[c], five[c]);
}

/* A step, weighted as the level of each pixel asks for: the bits of the level choose, which takes few choices. */
static void add_weighted(const float *restrict step, const float weights[LEVELS + 1], const int32_t *restrict level,
                         float *restrict total, int64_t n)
{
    float zero = weights[0], one = weights[1], two = weights[2];
    float three = weights[3], four = weights[4], five = weights[5];
    for (int64_t c = 0; c < n; c++) {
        int32_t l = level[c];
        float low = l & 1 ? one : zero, middle = l & 1 ? three : two, high = l & 1 ? five : four;
        float lower = l & 2 ? middle : low, weight = l & 4 ? high : lower;
        total[c] += weight * step[c];
    }
}

/* The sum over the steps of a segment. */
static void sum_segment(const Settings *s, Tile *t, int64_t first, int64_t length, const Pixels *pixels, float *signal,
                        int64_t n)
{
    float *rise = t->fill;
    int64_t side = s->groups + 1, stop = first + length - 1;
    fill_line(rise, 0.0f, n);
    for (int64_t k = first; k < stop; k++)
        add_product(t->steps + k * t->pitch, 1.0f, rise, n);
    set_level(rise, pixels, t->level, n);
    for (int64_t k = first; k < stop; k++) {
        float weights[LEVELS + 1];
        for (int64_t level = 0; level <= LEVELS; level++)
            weights[level] = s->table[(level * side + length) * side + t->position[k]];
        add_weighted(t->steps + k * t->pitch, weights, t->level, signal, n);
    }
}

/* sum_segments. */
static void sum_plain(const Settings *s, Tile *t, const Pixels *pixels, Sums *sums, int64_t n)
{
    float count = 0.0f, pieces = 0.0f;
    fill_line(sums->signal, 0.0f, n);
    fill_line(sums->time, 0.0f, n);
    for (int64_t k = 0; k < s->groups - 1;) {
        int64_t length = sums->size[k];
        if (length == 0) {
            add_product(t->steps + k * t->pitch, 0.0f, sums->signal, n);
            k++;
            continue;
        }
        sum_segment(s, t, k, length, pixels, sums->signal, n);
        for (int64_t j = 1; j < length; j++) {
            count += (float)length * ((float)length + 1.0f);
            pieces += 1.0f;
        }
        k += length - 1;
    }
    fill_line(sums->reading, count, n);
    fill_line(sums->photons, pieces, n);
}

static void gather(const float *restrict from, const int32_t *restrict at, float *restrict to, int64_t n)
{
    for (int64_t q = 0; q < n; q++)
        to[q] = from[at[q]];
}

static void gather_bytes(const uint8_t *restrict from, const int32_t *restrict at, uint8_t *restrict to, int64_t n)
{
    for (int64_t q = 0; q < n; q++)
        to[q] = from[at[q]];
}

static void scatter(const float *restrict from, const int32_t *restrict at, float *restrict to, int64_t n)
{
    for (int64_t q = 0; q < n; q++)
        to[at[q]] = from[q];
}

/* Gather the odd pixels in a small tile. */
static void take_odd(const Settings *s, const Tile *t, const Sums *sums, const Pixels *pixels, Work *few, int64_t n)
{
    const int32_t *odd = sums->odd;
    Tile *to = &few->tile;
    gather_bytes(sums->kind, odd, few->sums->kind, n);
    gather(pixels->rate, odd, few->pixels.rate, n);
    gather(pixels->missing, odd, few->pixels.missing, n);
    gather(pixels->only_rate, odd, few->pixels.only_rate, n);
    gather(pixels->onlies, odd, few->pixels.onlies, n);
    for (int64_t l = 0; l < LEVELS; l++)
        gather(pixels->limits[l], odd, few->pixels.limits[l], n);
    for (int64_t k = 0; k < s->groups; k++) {
        float *values = to->values + k * to->pitch;
        gather(t->values + k * t->pitch, odd, values, n);
        gather_bytes(t->flags + k * t->pitch, odd, to->flags + k * to->pitch, n);
        if (k > 0)
            take_step(values - to->pitch, values, values - to->values - to->pitch + to->steps, n);
    }
}

/* Put the sums of the odd pixels in their places; their lengths stay side by side. */
static void put_odd(const Settings *s, const Work *few, int64_t pitch, Sums *sums, Pixels *pixels)
{
    const Sums *from = few->sums;
    const int32_t *odd = sums->odd;
    int64_t n = sums->odds;
    scatter(few->pixels.rate, odd, pixels->rate, n);
    scatter(few->pixels.missing, odd, pixels->missing, n);
    scatter(few->pixels.only_rate, odd, pixels->only_rate, n);
    scatter(few->pixels.onlies, odd, pixels->onlies, n);
    scatter(from->time, odd, sums->time, n);
    scatter(from->signal, odd, sums->signal, n);
    scatter(from->reading, odd, sums->reading, n);
    scatter(from->photons, odd, sums->photons, n);
    for (int64_t k = 0; k < s->groups - 1; k++)
        memcpy(sums->length + k * pitch, from->length + k * few->tile.pitch, (size_t)padded(n) * sizeof(int32_t));
}

static void measure_plain(const Settings *s, Tile *t, Sums *sums, Pixels *pixels, Work *few, int64_t n)
{
    int64_t odds = padded(sums->odds);
    take_odd(s, t, sums, pixels, few, odds);
    add_plain_median(s, t, sums->kind, pixels->rate, n);
    sum_plain(s, t, pixels, sums, n);
    if (odds == 0)
        return;
    measure_each(s, &few->tile, few->sums, &few->pixels, odds);
    put_odd(s, few, t->pitch, sums, pixels);
}

#endif
