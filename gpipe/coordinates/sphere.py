"""Geometry on the sphere; angles in degrees."""

import numpy as np

from gpipe.coordinates.chebyshev import Floats

Angles = Floats | float


def unit_vectors(ra: Floats, dec: Floats) -> Floats:
    """Directions as vectors, in the last axis."""
    lon, lat = np.deg2rad(ra), np.deg2rad(dec)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def direction(vector: Floats) -> tuple[float, float]:
    """Right ascension, from 0 to 360, and declination of a vector of any length."""
    x, y, z = vector
    return float(np.rad2deg(np.arctan2(y, x)) % 360.0), float(np.rad2deg(np.arctan2(z, np.hypot(x, y))))


def separation(ra: Angles, dec: Angles, other_ra: Angles, other_dec: Angles) -> Floats:
    """Angles between directions, by the formula of Vincenty, which is good at all of them."""
    turn = np.deg2rad(other_ra) - np.deg2rad(ra)
    lat, other = np.deg2rad(dec), np.deg2rad(other_dec)
    across = np.cos(other) * np.sin(turn)
    along = np.cos(lat) * np.sin(other) - np.sin(lat) * np.cos(other) * np.cos(turn)
    cosine = np.sin(lat) * np.sin(other) + np.cos(lat) * np.cos(other) * np.cos(turn)
    return np.rad2deg(np.arctan2(np.hypot(across, along), cosine))


def polygon_area(ra: Floats, dec: Floats) -> float:
    """The area of a polygon of great circles, less than half of the sky, in steradian."""
    points = unit_vectors(ra, dec)
    middle = points.mean(0)
    middle /= np.linalg.norm(middle)
    following = np.roll(points, -1, axis=0)
    # Differences from the middle are exact where the triple product of the vectors themselves would lose digits.
    volume = np.cross(points - middle, following - middle) @ middle
    cosines = 1 + points @ middle + following @ middle + np.sum(points * following, axis=1)
    return float(abs(np.sum(2 * np.arctan2(volume, cosines))))
