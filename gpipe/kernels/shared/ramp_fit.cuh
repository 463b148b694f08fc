// From the noise of a pixel and its sums over segments to its rate and variances: the arithmetic that ramp fits by CUDA
// and on the processor share. A C compiler reads this, too (native/ramp_fit), and makes vector code of loops over
// pixels: no C++, and choices in place of branches. Flags, UNUSABLE and NOT_A_NUMBER are defined before.

#define LARGEST 1.0e8f
#define SMALLEST 1.0e-8f
#define LARGEST_VARIANCE 1.0e30f

#define GOOD_BITS (0xFF ^ PERSISTENCE)
#define OPENING_BITS (GOOD_BITS ^ JUMP_DET)
#define WITHDRAWN (CHARGELOSS | DO_NOT_USE)
#define HANDED_ON (JUMP_DET | PERSISTENCE)

// See gpipe.ramp_fitting.variances.known_reference.
PIXEL_FUNCTION float known_reference(float reference)
{
    return ((reference > SMALLEST) & (reference < LARGEST)) ? reference : NOT_A_NUMBER;
}

// Rise of a segment at which its signal-to-noise ratio is `s`. See gpipe.ramp_fitting.weights.signal_limits.
PIXEL_FUNCTION float signal_limit(float s, float noise, float gain)
{
    return (0.5f * s * s + 0.5f * s * sqrtf(s * s + 4.0f * noise * noise)) / gain;
}

// Variances of a slope whose sums over segments are 1. See gpipe.ramp_fitting.variances.noise_units.
PIXEL_FUNCTION float read_noise_unit(float noise, float gain, float group_time)
{
    float per_group = noise / (gain * group_time);
    return 12.0f * per_group * per_group;
}

PIXEL_FUNCTION float poisson_unit(float rate, float dark, float gain, float group_time)
{
    float flux = (rate > 0.0f ? rate : 0.0f) + dark;
    return ((flux < 0.0f) & (flux > -LARGEST_VARIANCE) ? 0.0f : flux) / (gain * group_time);
}

// The unit of read noise; 0 where the noise is unknown.
PIXEL_FUNCTION float known_noise(float unit_reading, float unit_photons)
{
    float known = ((unit_photons < LARGEST_VARIANCE) & (unit_photons > -LARGEST_VARIANCE)) ? unit_reading : 0.0f;
    return known > 0.0f ? known : 0.0f;
}

// See gpipe.ramp_fitting.rates.
PIXEL_FUNCTION float slope_from(float signal, float reading, float group_time)
{
    return signal / (group_time * (reading > 0.0f ? reading : 1.0f));
}

// See gpipe.ramp_fitting.variances.read_noise_variance, and so on.
PIXEL_FUNCTION float read_noise_variance(float reading, float unit_reading)
{
    float variance = unit_reading / (reading > 0.0f ? reading : 1.0f);
    return reading > 0.0f ? variance : 0.0f;
}

PIXEL_FUNCTION float poisson_variance(float photons, float unit_photons)
{
    float variance = unit_photons / (photons > 0.0f ? photons : 1.0f);
    return ((photons > 0.0f) & (variance > 0.0f)) ? variance : 0.0f;
}

// What the steps of a segment, or a lone group, tell about the slope: `share` is their part of `moment`.
PIXEL_FUNCTION float information_in(float moment, float share, float unit_reading, float unit_photons)
{
    return moment / (share * unit_photons + (unit_reading > 0.0f ? unit_reading : 1.0f));
}

PIXEL_FUNCTION float combined_error(float information)
{
    float variance = information == 0.0f ? 0.0f : 1.0f / information;
    return variance < 0.0f ? NOT_A_NUMBER : sqrtf(variance);
}
