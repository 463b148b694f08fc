// Arithmetic of drizzle for one pixel of the grid: CUDA and C compile it. See gpipe.resample.overlap and
// gpipe.resample.kernels, whose operations these repeat one by one.

#define NOTHING 1e-12
#define UPRIGHT 1e-30

typedef struct {
    double x[4], y[4], slope[4];  // corners around a quadrilateral, and the slope of the edge that follows each
    double area;
} Quad;

// The profile of a kernel along an axis.
typedef struct {
    int64 kind;  // POINT, TURBO, GAUSSIAN or LANCZOS
    double radius, scale;
    const double* table;
    int64 entries;
} Profile;

enum { POINT = 1, TURBO = 2, GAUSSIAN = 3, LANCZOS = 4 };

PIXEL_FUNCTION double clipped(double x)
{
    x = x > 0.0 ? x : 0.0;
    return x < 1.0 ? x : 1.0;
}

PIXEL_FUNCTION double slope_of(double x0, double y0, double x1, double y1)
{
    double across = x1 - x0;
    return fabs(across) <= UPRIGHT ? 0.0 : (y1 - y0) / across;
}

PIXEL_FUNCTION double area_of(const double* x, const double* y)
{
    return 0.5 * ((x[2] - x[0]) * (y[3] - y[1]) - (x[3] - x[1]) * (y[2] - y[0]));
}

// Mean of heights from `low` to `high`, those below 0 counted as 0 and those above 1 as 1.
PIXEL_FUNCTION double mean_height(double low, double high)
{
    if (low >= 0.0 && high <= 1.0)
        return 0.5 * (low + high);
    if (low >= 1.0)
        return 1.0;
    if (high <= 0.0)
        return 0.0;
    double cut_low = clipped(low), cut_high = clipped(high), above = high > 1.0 ? high - 1.0 : 0.0;
    return (above + (cut_high - cut_low) * (0.5 * (cut_low + cut_high))) / (high - low);
}

// The part of an edge that lies in a column of the grid: its width, with a sign, and its heights.
typedef struct {
    double width, low, high;
} Piece;

PIXEL_FUNCTION Piece piece_of(const Quad* quad, int edge, double left)
{
    double from = quad->x[edge] - left, to = quad->x[(edge + 1) & 3] - left;
    double begin = clipped(from), end = clipped(to);
    double first = quad->y[edge] + quad->slope[edge] * (begin - from);
    double last = quad->y[edge] + quad->slope[edge] * (end - from);
    Piece piece = {end - begin, last < first ? last : first, last < first ? first : last};
    return piece;
}

// The overlap from the area under all edges.
PIXEL_FUNCTION double overlap_of(const Quad* quad, double under)
{
    double size = fabs(quad->area), found = quad->area < 0.0 ? under : -under;
    return found > NOTHING * size ? found : 0.0;
}

PIXEL_FUNCTION bool lies_in(const Quad* quad, double left, double bottom)
{
    bool inside = true;
    for (int k = 0; k < 4; k++)
        inside = inside && quad->x[k] >= left && quad->x[k] <= left + 1.0 && quad->y[k] >= bottom
                 && quad->y[k] <= bottom + 1.0;
    return inside;
}

// Rounds half away from zero; `floor` of numbers that fit into an integer.
PIXEL_FUNCTION double whole(double x)
{
    double cut = (double)(int64)x;
    return cut > x ? cut - 1.0 : cut;
}

PIXEL_FUNCTION double nearest(double x)
{
    return x < 0.0 ? -whole(0.5 - x) : whole(x + 0.5);
}

// exp(-t): gpipe.resample.kernels says why not by exp.
PIXEL_FUNCTION double decay(const Profile* profile, double t)
{
    t = t < 104.0 ? t : 104.0;
    double entry = whole(t * 16.0), rest = entry / 16.0 - t;
    double series = 1.0 + rest * (1.0 + rest * (1.0 / 2 + rest * (1.0 / 6 + rest * (1.0 / 24 + rest * (1.0 / 120)))));
    return profile->table[(int64)entry] * series;
}

// Coordinates must be finite and fit into an integer.
PIXEL_FUNCTION double weight_along(const Profile* profile, double place, double pixel)
{
    double distance = fabs(place - pixel);
    if (profile->kind == POINT)
        return nearest(place) == pixel ? 1.0 : 0.0;
    if (profile->kind == TURBO) {
        double first = place - profile->radius, last = place + profile->radius;
        first = first > pixel - 0.5 ? first : pixel - 0.5;
        last = last < pixel + 0.5 ? last : pixel + 0.5;
        return last > first ? last - first : 0.0;
    }
    if (profile->kind == GAUSSIAN) {
        bool near = nearest(place - profile->radius) <= pixel && pixel <= nearest(place + profile->radius);
        return near ? decay(profile, profile->scale * (distance * distance)) : 0.0;
    }
    if (!(distance <= profile->radius))
        return 0.0;
    int64 entry = (int64)whole(distance * profile->scale + 0.5), last_entry = profile->entries - 1;
    return profile->table[entry < last_entry ? entry : last_entry];
}
