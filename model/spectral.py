"""Wavelength features of the demonstration model, set by hand.

Neighbouring bands have nearly equal encodings, so a randomly drawn network gives every band the same patch kernel and
can only separate bright from dark. Training cures that; without it, the first two layers are given triangles over the
spectrum here, so that bands far apart get unrelated kernels and neighbours similar ones. Plain arithmetic only: same
bytes on every machine.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

KNOTS_UM = (0.40, 0.47, 0.54, 0.62, 0.70, 0.78, 0.88, 1.0, 1.4, 1.8, 2.3, 2.8)
"""Where triangles begin, peak and end; each interior knot is the peak of one."""

RAMP_COLUMN = 16
RAMP_OMEGA = 0.0964
"""Column of the 128-wide encoding whose sine, of omega times the wavelength, is all but linear from 0.4 to 2.8 um."""

RAMP_SLOPE = 512.0
PEAK = 8.0
"""Steep enough that GELU is a sharp ramp; peaks high enough to outweigh the residual encoding (length 8)."""


def ramp_layer(dim: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """First layer: one ramp per knot, repeated to fill.

    Args:
        dim: Width of the encoding and of the layer.

    Returns:
        Weight `[dim, dim]` and bias `[dim]`.
    """
    weight = np.zeros((dim, dim), dtype=np.float32)
    weight[:, RAMP_COLUMN] = RAMP_SLOPE
    knots = np.resize(np.array(KNOTS_UM), dim)
    return weight, (-RAMP_SLOPE * RAMP_OMEGA * knots).astype(np.float32)


def triangle_layer(dim: int) -> NDArray[np.float32]:
    """Second layer: second differences of neighbouring ramps are triangles of height `PEAK`, repeated to fill.

    Args:
        dim: Width of both layers.

    Returns:
        Weight `[dim, dim]`; the bias is zero.
    """
    steps = [1.0 / (after - before) for before, after in pairwise(KNOTS_UM)]
    weight = np.zeros((dim, dim), dtype=np.float32)
    for row in range(dim):
        left = row % (len(KNOTS_UM) - 2)
        rise, fall = steps[left], steps[left + 1]
        weight[row, left : left + 3] = np.array((rise, -rise - fall, fall)) * (PEAK / (RAMP_SLOPE * RAMP_OMEGA))
    return weight
