/* Inter-pixel capacitance: the weighted sum of a pixel's neighbours, row after row.
 *
 * Terms are added to all pixels of a row, some at a time and in the order of the portable function, so that loops are
 * vector code for kernels of any size. The row stays in the first cache. CUDA has no kernel to share the sum with.
 */
#include "common.h"

#define AT_ONCE 8 /* terms that are added with one look at the sums */

/* The pixels that take part: `columns` of each row from `left`, of the rows that `inside` names. `nothing` are zeros,
 * the line above the last one and below the first. */
typedef struct {
    const int64_t *inside;
    const float *nothing;
    int64_t lines, left, columns, pitch;
} Detector;

/* The kernel: elements from one weight to the next along its axes; `each` pixel has its own, or all have one. */
typedef struct {
    const float *values;
    int64_t tall, wide, by_tall, by_wide, by_line;
    bool each;
} Weights;

/* What a weight adds to line `k` of a frame: `line` are the pixels that it is for, `shift` columns further on. */
typedef struct {
    const float *weights, *line;
    int64_t shift;
} Term;

/* The terms in order: row after row of the kernel, its middle last. */
static Term term_of(Weights kernel, Detector detector, const float *frame, int64_t k, int64_t number)
{
    int64_t last = kernel.tall * kernel.wide - 1, place = number < last / 2 ? number : number + 1;
    place = number == last ? last / 2 : place;
    int64_t j = place / kernel.wide, i = place % kernel.wide, other = k + kernel.tall / 2 - j;
    bool is_there = other >= 0 && other < detector.lines;
    return (Term){
        kernel.values + j * kernel.by_tall + i * kernel.by_wide + (kernel.each ? k * kernel.by_line : 0),
        is_there ? frame + detector.inside[other] * detector.pitch + detector.left : detector.nothing,
        kernel.wide / 2 - i,
    };
}

/* Add terms to pixels that have all their neighbours. */
INLINED void add_terms(int64_t number, bool each, const Term *terms, int64_t first, int64_t last, float *restrict sum)
{
    const float *weights[AT_ONCE], *lines[AT_ONCE];
    for (int64_t t = 0; t < number; t++) {
        weights[t] = terms[t].weights;
        lines[t] = terms[t].line + terms[t].shift;
    }
    for (int64_t c = first; c < last; c++) {
        float total = sum[c];
        for (int64_t t = 0; t < number; t++)
            total += weights[t][each ? c : 0] * lines[t][c];
        sum[c] = total;
    }
}

static void add_inside(int64_t number, const Term *terms, bool each, int64_t first, int64_t last, float *sum)
{
    if (number == AT_ONCE && each)
        add_terms(AT_ONCE, true, terms, first, last, sum);
    else if (number == AT_ONCE)
        add_terms(AT_ONCE, false, terms, first, last, sum);
    else
        for (int64_t t = 0; t < number; t++)
            if (each)
                add_terms(1, true, terms + t, first, last, sum);
            else
                add_terms(1, false, terms + t, first, last, sum);
}

/* Add terms to pixels at an edge, of `n`, which have neighbours on one side only. Weights that are no numbers show. */
static void add_at_edge(int64_t number, const Term *terms, bool each, int64_t first, int64_t last, int64_t n,
                        float *sum)
{
    for (int64_t c = first; c < last; c++)
        for (int64_t t = 0; t < number; t++) {
            int64_t other = c + terms[t].shift;
            float count = other >= 0 && other < n ? terms[t].line[other] : 0.0f;
            sum[c] += terms[t].weights[each ? c : 0] * count;
        }
}

static void correct_line(Weights kernel, Detector detector, const float *frame, int64_t k, float *sum)
{
    int64_t n = detector.columns, number = kernel.tall * kernel.wide;
    int64_t first = smaller(kernel.wide / 2, n), last = larger(n - kernel.wide / 2, first);
    memset(sum, 0, (size_t)n * sizeof(float));
    for (int64_t t = 0; t < number; t += AT_ONCE) {
        Term terms[AT_ONCE];
        int64_t these = smaller(AT_ONCE, number - t);
        for (int64_t m = 0; m < these; m++)
            terms[m] = term_of(kernel, detector, frame, k, t + m);
        add_at_edge(these, terms, kernel.each, 0, first, n, sum);
        add_at_edge(these, terms, kernel.each, last, n, n, sum);
        add_inside(these, terms, kernel.each, first, last, sum);
    }
}

static void copy(const float *from, int64_t n, float *to)
{
    memcpy(to, from, (size_t)n * sizeof(float));
}

/* Row r of a frame, which is line k of those that take part, or none of them. */
static void correct_row(Weights kernel, Detector detector, const float *frame, int64_t r, int64_t k, float *out)
{
    const float *row = frame + r * detector.pitch;
    int64_t right = detector.left + detector.columns;
    if (k >= detector.lines || detector.inside[k] != r) {
        copy(row, detector.pitch, out);
        return;
    }
    copy(row, detector.left, out);
    correct_line(kernel, detector, frame, k, out + detector.left);
    copy(row + right, detector.pitch - right, out + right);
}

/* Where each pixel has a kernel, a row is corrected in all frames before the next row: its weights are read once. */
KERNEL(void, ipc_correct, (const float *restrict data, const float *restrict kernel, int64_t kernel_by_tall,
                           int64_t kernel_by_wide, int64_t kernel_by_height, const int64_t *restrict inside,
                           int64_t left, const float *restrict nothing, float *restrict out, int64_t frames,
                           int64_t rows, int64_t columns, int64_t tall, int64_t wide, int64_t height, int64_t width,
                           int64_t lines, int64_t taken))
{
    bool each = height * width != 1;
    Weights weights = {kernel, tall, wide, kernel_by_tall, kernel_by_wide, kernel_by_height, each};
    Detector detector = {inside, nothing, lines, left, taken, columns};
    int64_t step = each ? larger(frames, 1) : 1;
    for (int64_t start = 0; start < frames; start += step)
        for (int64_t r = 0, k = 0; r < rows; r++) {
            for (int64_t f = start; f < start + step; f++) {
                int64_t at = f * rows * columns;
                correct_row(weights, detector, data + at, r, k, out + at + r * columns);
            }
            k += k < lines && inside[k] == r;
        }
}
