"""Replies that `moerae evaluate` made: RUN/evaluate/CONDITION/shard-NNNNNN.h5, one condition at a time."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from moerae.errors import DataError
from moerae.files import manifest
from moerae.files.hdf5 import reading
from moerae.files.publish import publishing


@dataclass(frozen=True)
class Condition:
    """The published shards of one condition, or of one of its controls."""

    folder: Path
    shards: tuple[Path, ...]

    @property
    def slug(self) -> str:
        return self.folder.name

    @cached_property
    def about(self) -> dict:
        """text, action, set, experts, control: as written by `evaluate`."""
        with reading(self.shards[0]) as file:
            return json.loads(str(file.attrs["condition"]))

    @cached_property
    def config(self) -> dict:
        """The study that made the replies, {section: {key: value}}."""
        with reading(self.shards[0]) as file:
            return json.loads(str(file.attrs["config"]))

    @property
    def keep(self) -> str:
        """evaluate.keep: what stays of replies that are judged (labels | ids | text)."""
        return self.config["evaluate"]["keep"]

    @property
    def removed(self) -> bool:
        """Whether token ids of its replies were removed after judging."""
        return any(_is_removed(path) for path in self.shards)

    def require_replies(self) -> None:
        if self.removed:
            raise DataError(
                f"{self.folder}: its replies were removed once they were judged (evaluate.keep = labels), so they can "
                "be neither read nor judged again; evaluate with evaluate.keep = ids into another run.dir"
            )

    @cached_property
    def replies(self) -> pd.DataFrame:
        """Index prompt_id: tokens (list of ids, the one that ended the reply included) and finish (stop | length).
        DataError where they were removed."""
        self.require_replies()
        parts = [pd.DataFrame(columns=["tokens", "finish"])]
        for path in self.shards:
            with reading(path) as file:
                parts.append(_rows(file))
        whole = pd.concat(parts[1:])
        if not whole.index.is_unique:
            raise DataError(f"{self.folder}: prompt {whole.index[whole.index.duplicated()][0]} is answered twice")
        return whole


def remove_replies(run: Path, condition: Condition) -> None:
    """Zeros in place of the token ids of its replies, in files that stay listed; lengths, ends and usage stay."""
    for path in condition.shards:
        if _is_removed(path):
            continue
        with publishing(path) as temporary:
            shutil.copyfile(path, temporary)
            with h5py.File(temporary, "r+") as file:
                tokens = file["reply/tokens"]
                tokens[...] = np.zeros(tokens.shape, tokens.dtype)  # contiguous: the bytes themselves
                tokens.attrs["removed"] = "once judged: evaluate.keep = labels"
        manifest.append(run, [manifest.Entry.of(run, path, "evaluate")])


def _is_removed(path: Path) -> bool:
    with reading(path) as file:
        return "removed" in file["reply/tokens"].attrs


def _rows(file: h5py.File) -> pd.DataFrame:
    tokens, offset = file["reply/tokens"][:], file["reply/offset"][:]
    finish = np.array(list(file["reply/finish"].attrs["categories"]), object)[file["reply/finish"][:]]
    replies = [part.tolist() for part in np.split(tokens, offset[1:-1])]
    return pd.DataFrame({"tokens": replies, "finish": finish}, pd.Index(file["prompt_id"][:], name="prompt_id"))


def conditions(run: Path) -> list[Condition]:
    """All conditions with their controls, sorted by folder. DataError where nothing was evaluated, or where a condition
    lacks shards that another has: rates over parts of the prompts would be compared."""
    listed = [run / path for path, entry in sorted(manifest.read(run).items()) if entry.stage == "evaluate"]
    by_folder: dict[Path, list[Path]] = {}
    for path in listed:
        if path.name.startswith("shard-"):
            by_folder.setdefault(path.parent, []).append(path)
    if not by_folder:
        raise DataError(f"{run}: no replies; run `moerae evaluate` first")
    for stage in {folder.parent for folder in by_folder}:
        every = {path.name for folder, paths in by_folder.items() if folder.parent == stage for path in paths}
        for folder, paths in by_folder.items():
            missing = every - {path.name for path in paths}
            if folder.parent == stage and missing:
                raise DataError(f"{folder}: {min(missing)} is missing; repeat `moerae evaluate`, which completes it")
    return [Condition(folder, tuple(paths)) for folder, paths in by_folder.items()]


def read_summary(path: Path) -> pd.DataFrame:
    """summary.csv as `python -m moerae judge` writes it; `control` is empty on a condition's own lines."""
    table = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype={"control": object})
    return table.assign(control=table["control"].fillna(""))
