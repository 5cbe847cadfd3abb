"""Expert scores published with ESFT (arXiv 2407.01906): no text, the first layer is dense. As one HDF5 file, weights in
integers of 1e-4, or as the authors' folder of text files."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from moerae.errors import DataError
from moerae.imports.esft_texts import EXPERTS, LAYOUT, MODEL, read_texts
from moerae.imports.trace import Trace, unlabelled
from moerae.imports.whole import whole
from moerae.routing import Routing, validate

ROUNDED = 1e-3  # weights of a token are parts of a softmax, rounded


def read_esft(path: Path, label: str) -> Trace:
    """Every sample is a prompt of the set `label`."""
    if path.is_dir():
        model, experts, routing, first = MODEL, EXPERTS, *read_texts(path)
    elif path.is_file():
        model, experts, routing, first = *_read_hdf5(path), 1  # layer 0 is dense
    else:
        raise DataError(
            f"{path}: no such trace; give --trace the path of a file like esft/law.h5, or the authors' folder"
        )
    validate(routing, experts, str(path))
    over = int((routing.weight.sum(-1) > 1 + ROUNDED).sum())
    if over:
        raise DataError(
            f"{path}: the weights of {over} tokens and layers add up to more than 1, which parts of a softmax "
            "cannot; check weight_scale"
        )
    layers = np.arange(first, first + routing.expert.shape[1], dtype=np.int32)
    return Trace(model, layers, experts, routing, unlabelled(np.diff(routing.offset), label))


def _read_hdf5(path: Path) -> tuple[str, int, Routing]:
    try:
        with h5py.File(path, "r") as file:
            expert, weight, offset = (file[name][:] for name in ("expert", "weight", "sample_offset"))
            experts, scale = int(file.attrs["num_experts"]), float(file.attrs["weight_scale"])
            model = str(file.attrs["model"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: not an ESFT trace ({error}); expected datasets expert, weight [tokens, layers, k] and "
            f"sample_offset, attributes model, num_experts and weight_scale; or a folder of {LAYOUT}"
        ) from None
    name = str(path)
    if weight.dtype.kind not in "iuf":
        raise DataError(f"{path}: weights are stored as {weight.dtype}, not as numbers")
    routing = Routing(
        whole(expert, "expert ids", name), (weight * scale).astype(np.float32), whole(offset, "offsets", name)
    )
    return model, experts, routing
