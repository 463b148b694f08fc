"""Eight-connected groups of pixels, pixel after pixel."""


def flood(start, allowed):
    """The pixels of ``allowed`` that are connected with ``start``, with these; sets of (row, column)."""
    group, edge = set(start), list(start)
    while edge:
        r, c = edge.pop()
        near = {(r + i, c + j) for i in (-1, 0, 1) for j in (-1, 0, 1)}
        new = (near & allowed) - group
        group |= new
        edge += new
    return group
