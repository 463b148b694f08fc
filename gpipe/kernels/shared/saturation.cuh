// Arithmetic of saturation in groups that average frames, for one sample: CUDA and C compile it. See
// gpipe.saturation.averaged_groups.

// The mean of a group whose last frame saturates, as a part of the threshold.
PIXEL_FUNCTION double dilution_of(int64 group, int64 nframes)
{
    return ((double)(group * nframes) + (double)(nframes + 1) / 2.0) / (double)((group + 1) * nframes);
}

PIXEL_FUNCTION bool hides_saturation(float counts, float level, bool unchecked, double dilution)
{
    double exact = (double)level;
    return (double)counts >= (unchecked ? exact : exact * dilution);
}

PIXEL_FUNCTION bool is_late(float first, float second, float level, float bias, int64 nframes)
{
    double signal = (double)(first - bias), middle = (double)(nframes + 1) / 2.0;
    double announced = signal / middle * (double)(3 * nframes) + (double)bias;
    return (announced < (double)level) & (second - first > (level - first) / (float)nframes);
}
