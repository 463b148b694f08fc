// Arithmetic of jumps for one pixel: CUDA and C compile it. RANKED are the sorted magnitudes of the pixel's
// differences, and rank_at(ranked, k) is one of them. See gpipe.jump.

typedef struct {
    float four_or_more, three, two;
} Limits;

typedef struct {
    float value, allowed;
} Centre;

typedef struct {
    float lower, upper;
} Magnitudes;

// NaN where a sample is not used.
PIXEL_FUNCTION float electrons_of(float counts, unsigned flags, float gain)
{
    bool usable = ((flags & UNUSABLE) == 0) & (fabsf(counts) <= MISSING);
    return (usable ? counts : NOT_A_NUMBER) * gain;
}

// See gpipe.jump.differences.read_variance.
PIXEL_FUNCTION float variance_of_reading(float readnoise, float gain, float frames)
{
    float noise = readnoise * gain;
    return noise * noise / frames;
}

// See gpipe.jump.differences.noise.
PIXEL_FUNCTION float noise_of(float flux, float variance)
{
    float total = fabsf(flux) + variance;
    return total > 0.0f ? sqrtf(total) : NOT_A_NUMBER;
}

// Whether the lowest or the largest of what is left, which are so far below and above its centre, is a jump.
PIXEL_FUNCTION bool is_outlier(float above, float below, float centre, float variance, float allowed)
{
    float sigma = sqrtf(centre + variance);
    return (sigma > 0.0f) & ((above > below ? above : below) > allowed * sigma);
}

RANKED_FUNCTION bool is_again(RANKED ranked, int total, int last, int further)
{
    return last + further < total && rank_at(ranked, last + further) == rank_at(ranked, last);
}

// Centre of the `length` ranks from `begin` on, and the threshold that goes with it. See gpipe.jump.iterative.
RANKED_FUNCTION Centre centre_of(RANKED ranked, int total, int begin, int length, Limits limits)
{
    int last = begin + length - 1;
    bool another = is_again(ranked, total, last, 1), third = is_again(ranked, total, last, 2);
    float low = rank_at(ranked, begin + (length - 2) / 2), high = rank_at(ranked, begin + (length - 1) / 2);
    Centre clipped = {0.5f * low + 0.5f * high, limits.four_or_more}, median = {high, limits.three};
    Centre lower = {low, another ? limits.four_or_more : limits.two}, upper = {rank_at(ranked, last), limits.three};
    if (length > 3) return clipped;
    if (length == 3) return another ? clipped : median;
    return another && !third ? upper : lower;
}

// Magnitudes at or beyond these are jumps; `count` of all ranks are not missing. See gpipe.jump.iterative.jump_bounds.
RANKED_FUNCTION Magnitudes jump_magnitudes(RANKED ranked, int total, int count, float variance, Limits limits)
{
    Magnitudes found = {-1.0f, MISSING};
    int begin = 0;
    for (int length = count; length > 1; length--) {
        int last = begin + length - 1;
        float lowest = rank_at(ranked, begin), largest = rank_at(ranked, last);
        bool drop = lowest <= found.lower;
        if (!drop && largest < MISSING && largest > rank_at(ranked, last - 1)) {
            Centre centre = centre_of(ranked, total, begin, length, limits);
            float above = largest - centre.value, below = centre.value - lowest;
            if (!is_outlier(above, below, centre.value, variance, centre.allowed)) break;
            found.upper = above >= below ? largest : found.upper;
            found.lower = below >= above ? lowest : found.lower;
            drop = below > above;
        }
        begin += drop;
    }
    return found;
}
