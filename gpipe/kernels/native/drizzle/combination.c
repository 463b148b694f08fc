/* Combination of drizzled exposures, all sums of a grid pixel in one pass: gpipe.resample.variances. */
#include "common.h"

#define MOST_VARIANCES 8
#define SMALLEST 1e-300 /* square whose inverse is finite */

INLINED bool is_finite(double x)
{
    return fabs(x) < (double)INFINITY;
}

/* E^2 of each variance; NaN without a weight. */
INLINED void find_squares(const double *light, double weight, int64_t variances, double *squares)
{
    for (int64_t v = 0; v < variances; v++) {
        double mean = weight != 0.0 ? light[v] / weight : (double)NAN;
        squares[v] = mean * mean;
    }
}

INLINED void add_pixel(const double *before, const double *added, int64_t means, int64_t variances, int64_t rnoise,
                       double time, double *after)
{
    double squares[MOST_VARIANCES], weight = added[means + variances], importance = time;
    for (int64_t k = 0; k < means; k++)
        after[k] = before[k] + added[k];
    after[means] = before[means] + weight;
    find_squares(added + means, weight, variances, squares);
    if (rnoise >= 0)
        importance = is_finite(squares[rnoise]) && squares[rnoise] > SMALLEST ? 1.0 / squares[rnoise] : 0.0;
    for (int64_t v = 0; v < variances; v++) {
        bool counts = is_finite(squares[v]) && importance > 0.0;
        int64_t at = means + 1 + v;
        after[at] = before[at] + (counts ? squares[v] * importance * importance : 0.0);
        after[at + variances] = before[at + variances] + (counts ? importance : 0.0);
    }
}

/* `rnoise` is -1 where the time weights variances; `bit` goes into the context, if there is one. */
KERNEL(void, drizzle_add_exposure, (const double *restrict before, const double *restrict added, int64_t means,
                                    int64_t rnoise, double time, int64_t bit, double *restrict after,
                                    int32_t *restrict context, int64_t pixels, int64_t totals, int64_t planes))
{
    int64_t variances = planes - 1 - means;
    for (int64_t p = 0; p < pixels; p++) {
        const double *of_exposure = added + p * planes;
        if (means == 1 && variances == 3)
            add_pixel(before + p * totals, of_exposure, 1, 3, rnoise, time, after + p * totals);
        else
            add_pixel(before + p * totals, of_exposure, means, variances, rnoise, time, after + p * totals);
        if (context && of_exposure[planes - 1] > 0.0)
            context[p] |= (int32_t)bit;
    }
}

/* `out` are planes of means, weight, variances and, if there are any, their error. */
KERNEL(void, drizzle_combine, (const double *restrict sums, int64_t means, int64_t variances, double ratio, double fill,
                               float *restrict out, int64_t pixels, int64_t totals, int64_t planes, int64_t length))
{
    for (int64_t p = 0; p < pixels; p++) {
        const double *of_pixel = sums + p * totals;
        double weight = of_pixel[means], total = 0.0;
        bool is_known = false;
        for (int64_t k = 0; k < means; k++) {
            double mean = weight != 0.0 ? of_pixel[k] / weight : k == 0 ? fill : (double)NAN;
            out[k * length + p] = (float)(k == 0 ? mean : mean / ratio);
        }
        out[means * length + p] = (float)weight;
        for (int64_t v = means + 1; v < means + 1 + variances; v++) {
            double importance = of_pixel[v + variances];
            double variance = importance > 0.0 ? of_pixel[v] / importance / importance / (ratio * ratio) : (double)NAN;
            total += importance > 0.0 ? variance : 0.0;
            is_known |= importance > 0.0;
            out[v * length + p] = (float)variance;
        }
        if (variances)
            out[(planes - 1) * length + p] = is_known ? (float)sqrt(total) : NAN;
    }
}
