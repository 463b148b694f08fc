// A pixel's coefficients, `stride` apart, from the constant on.
struct Polynomial {
    const float* first;
    int64 powers, stride;

    __device__ float operator()(float x) const { return polynomial(first, powers, stride, x); }
};

// A straight ramp. See gpipe.linearity.averaged_groups.
struct Straight {
    float start, rise;

    __device__ float at(float time) const { return straight_ramp(start, rise, time); }
};

struct Ramp {
    const float* data;
    const uint8* groupdq;
    int64 groups, stride;

    __device__ bool saturated(int64 k) const { return groupdq[k * stride] & SATURATED; }

    __device__ float linear(int64 k, const Polynomial& forward) const
    {
        return saturated(k) ? data[k * stride] : forward(data[k * stride]);
    }

    __device__ Straight straight(const Polynomial& forward, int64 nframes) const
    {
        int64 last = -2;
        for (int64 k = 0; k < groups; k++) last += !saturated(k);
        last = last < 1 ? 1 : last;
        float start = linear(0, forward), stop = linear(last, forward);
        return {start, rise_in_frame(start, stop, (float)last, (float)nframes)};
    }
};

__device__ inline float mean_of_frames(
    float mean, int64 group, const Straight& straight, const Polynomial& forward, const Polynomial& inverse,
    int64 nframes)
{
    float sum = 0.0f, corrected = 0.0f;
    for (int64 f = 0; f < nframes; f++) sum += inverse(straight.at(time_of_frame(f, group, nframes)));
    float shift = mean - sum / nframes;
    for (int64 f = 0; f < nframes; f++)
        corrected += forward(inverse(straight.at(time_of_frame(f, group, nframes))) + shift);
    return corrected / nframes;
}

// `inverse` is null where each sample is one frame, or treated as one.
extern "C" __global__ void correct_linearity(
    const float* __restrict__ data, const uint8* __restrict__ groupdq, const float* __restrict__ coefficients,
    const float* __restrict__ inverse, int64 powers, int64 inverse_powers, int64 integrations, int64 groups,
    int64 pixels, int64 nframes, float* __restrict__ corrected)
{
    FOR_EACH_PIXEL(pixel, pixels)
    {
        Polynomial forward{coefficients + pixel, powers, pixels}, backward{inverse + pixel, inverse_powers, pixels};
        for (int64 i = 0; i < integrations; i++) {
            int64 start = i * groups * pixels + pixel;
            Ramp ramp{data + start, groupdq + start, groups, pixels};
            Straight straight = inverse ? ramp.straight(forward, nframes) : Straight{};
            for (int64 g = 0; g < groups; g++) {
                float counts = data[start + g * pixels];
                float linear = ramp.saturated(g) ? counts
                               : inverse ? mean_of_frames(counts, g, straight, forward, backward, nframes)
                                         : forward(counts);
                corrected[start + g * pixels] = linear;
            }
        }
    }
}
