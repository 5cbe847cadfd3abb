"""golden.h5: routing as transformers decides it, which `moerae record` is compared with. Not part of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from moerae.files.publish import publishing

SCHEMA = "moerae.golden/1"


@dataclass
class Golden:
    """T tokens, L MoE layers, K experts, k of them chosen. Ids ascend within a token, weights with them."""

    offset: NDArray[np.int64]  # [P+1] into T
    layer: NDArray[np.int32]  # [L] decoder index
    expert: NDArray[np.int32]  # [T, L, k]
    weight: NDArray[np.float32]  # [T, L, k] as applied
    logits: NDArray[np.float32]  # [T, L, K] raw
    margin: NDArray[np.float32]  # [T, L] how far the selection is from another one (routers.py); inf where k = K
    hidden: NDArray[np.float32] | None = None  # [T, H] after the last norm
    lm_logits: NDArray[np.float32] | None = None  # [T, V]


def write_golden(path: Path, golden: Golden, attributes: dict[str, str]) -> None:
    """golden.h5: the fields of `Golden` under the names that shards use, plus `routing/margin` and `final/*`."""
    names = {
        "routing/offset": golden.offset,
        "layer": golden.layer,
        "routing/expert": golden.expert,
        "routing/weight": golden.weight,
        "routing/logits": golden.logits,
        "routing/margin": golden.margin,
        "final/hidden": golden.hidden,
        "final/logits": golden.lm_logits,
    }
    with publishing(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs.update({"schema": SCHEMA, "schema_version": 1, **attributes, "complete": 1})
        for name, values in names.items():
            if values is not None:
                file[name] = values
