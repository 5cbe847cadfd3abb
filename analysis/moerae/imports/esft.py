"""Expert scores published with ESFT (arXiv 2407.01906), as in data/esft: no text, weights are integers of 1e-4, the
first layer is dense."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from moerae.errors import DataError
from moerae.imports.trace import Trace, unlabelled
from moerae.routing import Routing, validate


def read_esft(path: Path, label: str) -> Trace:
    """Every sample is a prompt of the set `label`."""
    if not path.is_file():
        raise DataError(f"{path}: no such trace; give --trace the path of a file like esft/law.h5")
    try:
        with h5py.File(path, "r") as file:
            expert, weight = file["expert"][:], file["weight"][:]
            offset = file["sample_offset"][:].astype(np.int64)
            experts, scale = int(file.attrs["num_experts"]), float(file.attrs["weight_scale"])
            model = str(file.attrs["model"])
    except (OSError, KeyError) as error:
        raise DataError(
            f"{path}: not an ESFT trace ({error}); expected datasets expert, weight [tokens, layers, k] and "
            "sample_offset, attributes model, num_experts and weight_scale"
        ) from None
    routing = Routing(expert, (weight * scale).astype(np.float32), offset)
    validate(routing, experts, str(path))
    layers = np.arange(1, expert.shape[1] + 1, dtype=np.int32)
    return Trace(model, layers, experts, routing, unlabelled(np.diff(offset), label))
