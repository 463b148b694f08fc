// Lets a C++ compiler build CUDA sources for the processor. One call of a kernel is the work of one thread.
#include <math.h>
#include <string.h>

#define __global__
#define __device__
#define __noinline__ __attribute__((noinline))

struct Place {
    unsigned x, y, z;
};

static thread_local Place gridDim, blockDim, blockIdx, threadIdx;

extern "C" void become_thread(unsigned blocks, unsigned threads, unsigned block, unsigned thread)
{
    gridDim.x = blocks, blockDim.x = threads, blockIdx.x = block, threadIdx.x = thread;
}

static inline float __int_as_float(int bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

template <class Number>
Number atomicAdd(Number* sum, Number value)
{
    Number before = *sum;
    *sum += value;
    return before;
}
