// Arithmetic of linearity for one pixel: CUDA and C compile it. See gpipe.linearity.

// The value of a polynomial by Horner's rule; coefficients, from the constant on, are `stride` apart.
PIXEL_FUNCTION float polynomial(const float* coeffs, int64 powers, int64 stride, float x)
{
    float value = coeffs[(powers - 1) * stride] * x;
    for (int64 k = powers - 2; k > 0; k--) value = (value + coeffs[k * stride]) * x;
    return value + coeffs[0];
}

// When a frame of a group was read: in frames, from the middle of group 0.
PIXEL_FUNCTION float time_of_frame(int64 frame, int64 group, int64 nframes)
{
    return (float)frame - (float)((double)(nframes - 1) / 2.0) + (float)(group * nframes);
}

// The rise in a frame of a straight ramp from group 0 to group `last`.
PIXEL_FUNCTION float rise_in_frame(float start, float stop, float last, float nframes)
{
    return (stop - start) / (last * nframes);
}

// The linear counts of a straight ramp at a time in frames.
PIXEL_FUNCTION float straight_ramp(float start, float rise, float time) { return start + rise * time; }
