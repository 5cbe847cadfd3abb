"""HDF5 files opened to read, and their attributes as Python values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from moerae.errors import DataError


@contextmanager
def reading(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file opened to read; whatever goes wrong with it is a DataError naming it."""
    try:
        with h5py.File(path, "r") as file:
            if int(file.attrs.get("complete", 0)) != 1:
                raise DataError(f"{path}: not complete, its writer was stopped; repeat the command that writes it")
            yield file
    except (OSError, KeyError, RuntimeError, ValueError, IndexError) as error:
        raise DataError(
            f"{path}: cannot be read ({error}); missing, damaged, or not what this version writes; run `moerae "
            "verify`, remove the file and repeat the command that wrote it"
        ) from None


def attributes(item: h5py.Group | h5py.Dataset) -> dict[str, object]:
    """As Python values; what HDF5 needs for dimension scales is left out."""
    hidden = ("DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME", "DIMENSION_LABELS")
    return {name: _value(value) for name, value in item.attrs.items() if name not in hidden}


def _value(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray):
        return [_value(part) for part in value]
    return value.item() if isinstance(value, np.generic) else value
