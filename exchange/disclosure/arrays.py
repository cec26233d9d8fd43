"""The arrays that disclosure control passes around: element types and a sparse matrix; nothing is decided here."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Indices: TypeAlias = npt.NDArray[np.int32]
Integers: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]

INFINITY = float("inf")
"""No bound; HiGHS uses the same."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A sparse matrix by rows (CSR), with the least and the largest value of each row."""

    starts: Indices
    columns: Indices
    coefficients: Floats
    lower: Floats
    upper: Floats
