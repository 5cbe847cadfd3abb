"""`python -m moerae corpus` as tests call it, and what it wrote as tests look at it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import h5py
import numpy as np
from moerae.__main__ import main


def corpus(model: Path, out: Path, *arguments: str) -> int:
    return main(["corpus", "--model", str(model), "--out", str(out), *arguments])


class Corpus:
    """A corpus.h5 read with plain h5py, labels as text."""

    def __init__(self, path: Path) -> None:
        with h5py.File(path) as file:
            self.attributes = dict(file.attrs)
            self.columns = {}
            file.visititems(lambda n, d: self.columns.update({n: d[()]}) if isinstance(d, h5py.Dataset) else None)
            for name in ("set", "label", "topic", "wrapper", "source"):
                names = [*file[name].attrs["categories"], None]
                self.columns[name] = [names[code] for code in file[name][:]]
        with open(path.with_name(path.name + ".dropped.csv"), newline="") as handle:
            self.dropped = [(r["source"], int(r["row"]), r["reason"]) for r in csv.DictReader(handle)]

    def __getitem__(self, name: str):
        return self.columns[name]

    def __len__(self) -> int:
        return len(self["prompt_id"])

    def tokens(self, p: int) -> np.ndarray:
        return self["tokens"][self["offset"][p] : self["offset"][p + 1]]

    def content(self, p: int) -> np.ndarray:
        return self["tokens"][slice(*self["content_offset"][p])]


def lines(path: Path, *rows: dict) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
