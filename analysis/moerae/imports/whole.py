"""Ids as others store them: integers, or floats that are integers."""

from __future__ import annotations

import numpy as np

from moerae.errors import DataError


def whole(values: np.ndarray, what: str, name: str) -> np.ndarray:
    """int64, of the same values. DataError, with their number, where some are none (fractions, NaN as padding)."""
    values = np.asarray(values)
    if values.dtype.kind not in "iuf":
        raise DataError(f"{name}: {what} are stored as {values.dtype}, not as numbers")
    if values.dtype.kind == "f":
        broken = ~np.isfinite(values) | (values != np.trunc(values))
        if broken.any():
            raise DataError(
                f"{name}: {int(broken.sum())} of {values.size} {what} are not whole numbers; padding? leave padded "
                "tokens out, every token of a trace has k experts"
            )
    return values.astype(np.int64)
