// Drizzle as a gather: a thread adds up the pixels of the exposure around the place of its grid pixel, in the order of
// gpipe.resample.drizzle. Sums stay with the thread, so that nothing is atomic.

constexpr int MOST_PLANES = 5;
constexpr int MOST_DEGREES = 32;

// Two functions as Chebyshev polynomials over tiles of a rectangle: gpipe.coordinates.chebyshev.
struct Surface {
    const double* coefficients;
    double x0, x1, y0, y1;
    int64 tiles_y, tiles_x, degrees_y, degrees_x;
};

__device__ inline double in_tiles(double t, double low, double high, int64 tiles, int64& tile)
{
    double size = high - low == 0.0 ? 1.0 : high - low, along = (t - low) / size * (double)tiles;
    double last = (double)tiles - 1.0, found = floor(along) > 0.0 ? floor(along) : 0.0;
    found = found < last ? found : last;
    tile = (int64)found;
    return 2.0 * (along - found) - 1.0;
}

__device__ inline void chebyshev(double u, int64 degrees, double* terms)
{
    terms[0] = 1.0;
    terms[1] = u;
    for (int64 n = 2; n < degrees; n++) terms[n] = 2.0 * u * terms[n - 1] - terms[n - 2];
}

__device__ double evaluate(const Surface& surface, int64 function, double row, double column)
{
    int64 tile_y, tile_x;
    double in_y[MOST_DEGREES], in_x[MOST_DEGREES];
    chebyshev(in_tiles(row, surface.y0, surface.y1, surface.tiles_y, tile_y), surface.degrees_y, in_y);
    chebyshev(in_tiles(column, surface.x0, surface.x1, surface.tiles_x, tile_x), surface.degrees_x, in_x);
    int64 tile = (function * surface.tiles_y + tile_y) * surface.tiles_x + tile_x;
    const double* given = surface.coefficients + tile * surface.degrees_y * surface.degrees_x;
    double total = 0.0;
    for (int64 m = 0; m < surface.degrees_x; m++) {
        double of_row = given[m];
        for (int64 n = 1; n < surface.degrees_y; n++) of_row += given[n * surface.degrees_x + m] * in_y[n];
        total = m == 0 ? of_row : total + of_row * in_x[m];
    }
    return total;
}

// Centres of the pixels of a box, (column or row, row, column).
extern "C" __global__ void place_pixels(
    const double* __restrict__ coefficients, double x0, double x1, double y0, double y1, int64 tiles_y, int64 tiles_x,
    int64 degrees_y, int64 degrees_x, int64 first_row, int64 first_column, int64 rows, int64 columns,
    double* __restrict__ centres)
{
    Surface surface{coefficients, x0, x1, y0, y1, tiles_y, tiles_x, degrees_y, degrees_x};
    FOR_EACH_PIXEL(pixel, 2 * rows * columns)
    {
        int64 function = pixel / (rows * columns), at = pixel % (rows * columns);
        double row = (double)(first_row + at / columns), column = (double)(first_column + at % columns);
        centres[pixel] = evaluate(surface, function, row, column);
    }
}

// Centres of pixels that count and of those around them, two rows and columns more; their planes and flags begin with
// the first pixel that counts, `pitch` from row to row.
struct Exposure {
    const double* centres;
    const float* planes[MOST_PLANES];
    const float* weight;
    const uint32* dq;
    int64 rows, columns, pitch, planes_count;

    __device__ double centre(int64 function, int64 row, int64 column) const
    {
        return centres[(function * (rows + 2) + row + 1) * (columns + 2) + column + 1];
    }
};

__device__ inline double corner(const Exposure& exposure, int64 function, int64 row, int64 column, int k, double half)
{
    int64 side = k == 0 || k == 3 ? column - 1 : column + 1, other = k < 2 ? row - 1 : row + 1;
    double near = (1.0 - half) * exposure.centre(function, row, column) + half * exposure.centre(function, row, side);
    double far = (1.0 - half) * exposure.centre(function, other, column) + half * exposure.centre(function, other, side);
    return (1.0 - half) * near + half * far;
}

__device__ double share_of_square(const Exposure& exposure, int64 y, int64 x, double half, double row, double column)
{
    Quad quad;
    for (int k = 0; k < 4; k++) {
        quad.x[k] = corner(exposure, 0, y, x, k, half);
        quad.y[k] = corner(exposure, 1, y, x, k, half);
    }
    quad.area = area_of(quad.x, quad.y);
    double size = fabs(quad.area), per_area = (double)exposure.weight[y * exposure.pitch + x] / size;
    if (!(size > 0.0 && per_area > 0.0 && per_area < (double)INFINITE)) return 0.0;
    double left = column - 0.5, bottom = row - 0.5, under = 0.0;
    if (lies_in(&quad, left, bottom)) return size * per_area;
    for (int edge = 0; edge < 4; edge++) {
        int next = (edge + 1) & 3;
        quad.slope[edge] = slope_of(quad.x[edge], quad.y[edge], quad.x[next], quad.y[next]);
        Piece piece = piece_of(&quad, edge, left);
        if (piece.width != 0.0) under += piece.width * mean_height(piece.low - bottom, piece.high - bottom);
    }
    return overlap_of(&quad, under) * per_area;
}

__device__ double share_of_point(
    const Exposure& exposure, int64 y, int64 x, const Profile& profile, double norm, double row, double column)
{
    double weight = (double)exposure.weight[y * exposure.pitch + x] * norm;
    if (!(weight > 0.0 && weight < (double)INFINITE)) return 0.0;
    double at_x = exposure.centre(0, y, x), at_y = exposure.centre(1, y, x);
    if (!(fabs(at_x - column) < 1e9 && fabs(at_y - row) < 1e9)) return 0.0;
    return weight * (weight_along(&profile, at_x, column) * weight_along(&profile, at_y, row));
}

__device__ inline int64 limited(double place, int64 low, int64 high)
{
    double found = floor(place + 0.5) > (double)low ? floor(place + 0.5) : (double)low;
    return (int64)(found < (double)high ? found : (double)high);
}

// `inverse` takes grid pixels to pixels of the exposure, whose first one that counts is (`counted_y`, `counted_x`).
extern "C" __global__ void gather(
    const double* __restrict__ inverse, double x0, double x1, double y0, double y1, int64 tiles_y, int64 tiles_x,
    int64 degrees_y, int64 degrees_x, const double* __restrict__ centres, const float* first, const float* second,
    const float* third, const float* fourth, const float* fifth, const float* __restrict__ weight,
    const uint32* __restrict__ dq, int64 planes, int64 counted_y, int64 counted_x, int64 rows, int64 columns,
    int64 pitch, int64 reach_y, int64 reach_x, int64 kind, double half, double radius, double scale, double norm,
    const double* __restrict__ table, int64 entries, int64 first_row, int64 first_column, int64 height, int64 width,
    double* __restrict__ sums, uint32* __restrict__ flags)
{
    Surface back{inverse, x0, x1, y0, y1, tiles_y, tiles_x, degrees_y, degrees_x};
    Exposure exposure{centres, {first, second, third, fourth, fifth}, weight, dq, rows, columns, pitch, planes};
    Profile profile{kind, radius, scale, table, entries};
    FOR_EACH_PIXEL(pixel, height * width)
    {
        double row = (double)(first_row + pixel / width), column = (double)(first_column + pixel % width);
        int64 base_x = limited(evaluate(back, 0, row, column), counted_x, counted_x + columns - 1) - counted_x;
        int64 base_y = limited(evaluate(back, 1, row, column), counted_y, counted_y + rows - 1) - counted_y;
        double total[MOST_PLANES + 1] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
        uint32 flag = 0;
        for (int64 y = base_y - reach_y; y <= base_y + reach_y; y++)
            for (int64 x = base_x - reach_x; x <= base_x + reach_x; x++) {
                if (y < 0 || y >= rows || x < 0 || x >= columns) continue;
                double share = kind == 0 ? share_of_square(exposure, y, x, half, row, column)
                                         : share_of_point(exposure, y, x, profile, norm, row, column);
                if (share == 0.0) continue;
                for (int k = 0; k < MOST_PLANES; k++)
                    if (k < planes) total[k] += share * (double)exposure.planes[k][y * pitch + x];
                total[MOST_PLANES] += share;
                if (dq && share > 0.0) flag |= dq[y * pitch + x];
            }
        for (int k = 0; k < MOST_PLANES; k++)
            if (k < planes) sums[pixel * (planes + 1) + k] = total[k];
        sums[pixel * (planes + 1) + planes] = total[MOST_PLANES];
        if (flags) flags[pixel] = flag;
    }
}
