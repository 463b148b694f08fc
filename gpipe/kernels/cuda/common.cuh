// What all kernels share. A pixel is one thread's work from its first sample to its last; arrays are
// (integration, group, row, column), so that the threads of a warp read neighbouring samples.

typedef unsigned char uint8;
typedef unsigned short uint16;
typedef unsigned int uint32;
typedef long long int64;

#define PIXEL_FUNCTION __device__ inline  // in headers of gpipe/kernels/shared, which are C, too

enum : unsigned { UNUSABLE = DO_NOT_USE | SATURATED };

#define MISSING 3.402823466e+38f  // sorts after all other finite values
#define INFINITE __int_as_float(0x7F800000)
#define NOT_A_NUMBER __int_as_float(0x7FC00000)

#define FOR_EACH_PIXEL(pixel, pixels)                                                    \
    for (int64 pixel = (int64)blockIdx.x * blockDim.x + threadIdx.x; pixel < (pixels);   \
         pixel += (int64)gridDim.x * blockDim.x)

// A thread's values in its own memory; their number is known to the compiler, so that sorting is a fixed network.
template <int CAPACITY>
struct Own {
    float value[CAPACITY];

    __device__ float& operator[](int k) { return value[k]; }
    __device__ float operator[](int k) const { return value[k]; }
};

// A thread's values in scratch memory, (value, thread).
struct Scratch {
    float* first;
    int64 threads;

    __device__ float& operator[](int k) const { return first[k * threads]; }
};

__device__ inline Scratch own_scratch(float* scratch)
{
    int64 threads = (int64)gridDim.x * blockDim.x;
    return {scratch + (int64)blockIdx.x * blockDim.x + threadIdx.x, threads};
}

template <class Values>
__device__ inline void order(Values& values, int low, int high)
{
    float a = values[low], b = values[high];
    values[low] = fminf(a, b);
    values[high] = fmaxf(a, b);
}

// Ascending; values from `count` on are overwritten. Batcher's odd-even merge sort, in registers. Inlined wherever it
// is used, it would take the compiler a minute.
template <int CAPACITY>
__device__ __noinline__ void sort(Own<CAPACITY>& unsorted, int count)
{
    Own<CAPACITY> values;
#pragma unroll
    for (int k = 0; k < CAPACITY; k++) values[k] = k < count ? unsorted[k] : INFINITE;
#pragma unroll
    for (int p = 1; p < CAPACITY; p *= 2)
#pragma unroll
        for (int distance = p; distance > 0; distance /= 2)
#pragma unroll
            for (int k = 0; k + distance < CAPACITY; k++) {
                int start = k - distance % p;
                bool compared = start >= 0 && (start / distance) % 2 == 0;
                if (compared && k / (2 * p) == (k + distance) / (2 * p)) order(values, k, k + distance);
            }
    unsorted = values;
}

// The same for any number. Knuth, The Art of Computer Programming 3, algorithm 5.2.2M.
__device__ __noinline__ void sort(Scratch& values, int count)
{
    int highest = 1;
    while (2 * highest < count) highest *= 2;
    for (int p = highest; p > 0; p /= 2)
        for (int q = highest, r = 0, distance = p; distance > 0; distance = q - p, q /= 2, r = p)
            for (int k = 0; k < count - distance; k++)
                if ((k & p) == r) order(values, k, k + distance);
}

// Of `count` sorted values from `begin` on; not a number if there is none.
template <class Values>
__device__ inline float median(const Values& values, int begin, int count)
{
    if (count == 0) return NOT_A_NUMBER;
    return 0.5f * values[begin + (count - 1) / 2] + 0.5f * values[begin + count / 2];
}

// Sorted values of a pixel, as headers of gpipe/kernels/shared know them.
#define RANKED const Values&
#define RANKED_FUNCTION template <class Values> __device__

template <class Values>
__device__ inline float rank_at(const Values& values, int rank)
{
    return values[rank];
}
