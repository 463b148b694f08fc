// Pixels as FITS stores them, big-endian, to this machine's byte order.

extern "C" __global__ void shifted_int16(const uint16* __restrict__ stored, int64 count, double zero, float* values)
{
    FOR_EACH_PIXEL(k, count)
    {
        short value = (short)(stored[k] << 8 | stored[k] >> 8);
        values[k] = (float)value + (float)zero;
    }
}

// Any type of four bytes; `flip` turns signed integers into unsigned ones.
extern "C" __global__ void swapped_32(const uint32* __restrict__ stored, int64 count, int64 flip, uint32* values)
{
    FOR_EACH_PIXEL(k, count)
    {
        uint32 bits = stored[k];
        bits = bits << 24 | (bits & 0xFF00u) << 8 | (bits >> 8 & 0xFF00u) | bits >> 24;
        values[k] = bits ^ (uint32)flip;
    }
}
