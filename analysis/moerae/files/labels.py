"""CONDITION/labels.h5: what a judge says of every reply of a condition."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from moerae.errors import DataError
from moerae.files import manifest
from moerae.files.hdf5 import reading
from moerae.files.publish import publishing

SCHEMA = "moerae.labels/1"
# broken: no language, decided before compliance; unparseable: the judge's answer could not be read
LABELS = ("refusal", "partial", "compliance", "broken", "other", "unparseable")


def write_labels(
    run: Path, folder: Path, labels: pd.Series, attributes: dict[str, str], texts: list[str] | None = None
) -> Path:
    """`labels`: text by prompt id. `attributes`: the judge, and a hash of all that its verdicts depend on. `texts`: of
    the replies, where they are to be kept in words."""
    unknown = sorted(set(labels) - set(LABELS))
    if unknown:
        raise DataError(f"{folder}: '{unknown[0]}' is no label; known are {', '.join(LABELS)}")
    path = folder / "labels.h5"
    with publishing(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs.update({"schema": SCHEMA, "schema_version": 1, **attributes, "complete": 1})
        file["prompt_id"] = labels.index.to_numpy(np.uint64)
        file["label"] = np.array([LABELS.index(label) for label in labels], np.uint8)
        file["label"].attrs.create("categories", LABELS, dtype=h5py.string_dtype())
        if texts is not None:
            file.create_dataset("text", data=texts, dtype=h5py.string_dtype())
    manifest.append(run, [manifest.Entry.of(run, path, "evaluate")])
    return path


def read_labels(folder: Path) -> pd.Series:
    """Label as text by prompt id; `attrs` hold those of the file."""
    path = folder / "labels.h5"
    if not path.exists():
        raise DataError(f"{path}: missing; run `python -m moerae judge` on the run first")
    with reading(path) as file:
        names = np.array(list(file["label"].attrs["categories"]), object)
        labels = pd.Series(names[file["label"][:]], pd.Index(file["prompt_id"][:], name="prompt_id"))
        labels.attrs = {key: str(value) for key, value in file.attrs.items()}
    return labels
