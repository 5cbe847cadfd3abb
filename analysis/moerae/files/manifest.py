"""RUN/manifest.jsonl: one JSON object per published file; a later line for a path replaces an earlier one."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import h5py

from moerae.errors import DataError
from moerae.files.hashing import content_hash, file_hash

NAME = "manifest.jsonl"


@dataclass(frozen=True)
class Artefact:
    """A kind of file that a run may hold: the rows of src/store/artefacts.cpp."""

    stage: str
    in_stage: bool  # below RUN/stage or RUN/stage-<hash8>; else below RUN
    pattern: str
    listing: str  # in the manifest: none | required | adopted (later, when a killed writer did not list it)

    def files(self, run: Path) -> list[Path]:
        folders = [f"{self.stage}/", f"{self.stage}-????????/"] if self.in_stage else [""]
        return sorted(path for folder in folders for path in run.glob(folder + self.pattern))


ARTEFACTS = (
    Artefact("corpus", False, "corpus.h5", "adopted"),
    Artefact("study", False, "study.ini", "required"),
    Artefact("run", False, "manifest.jsonl", "none"),
    Artefact("log", False, "log/*", "none"),
    Artefact("record", True, "stage.json", "none"),
    Artefact("record", True, "shard-*.h5", "adopted"),
    Artefact("attribute", True, "stage.json", "none"),
    Artefact("attribute", True, "shard-*.h5", "adopted"),
    Artefact("reduce", True, "stage.json", "none"),
    Artefact("reduce", True, "scores.h5", "required"),
    Artefact("reduce", True, "sets/*.json", "required"),
    Artefact("evaluate", True, "stage.json", "none"),
    Artefact("evaluate", True, "*/shard-*.h5", "adopted"),
    Artefact("evaluate", True, "*/labels.h5", "required"),
    Artefact("evaluate", True, "summary.csv", "required"),
    Artefact("tune", True, "stage.json", "none"),
    Artefact("tune", True, "step-*.h5", "none"),
    Artefact("tune", True, "adapter.h5", "adopted"),
    Artefact("tune", True, "merged/*", "none"),
    Artefact("tune", True, "delta/*", "none"),
    Artefact("tune", True, "peft/*", "none"),
    Artefact("judge", False, "judge-*.jsonl", "none"),
    Artefact("report", False, "report/*", "none"),
)


@dataclass(frozen=True)
class Entry:
    path: str  # relative to the run
    stage: str
    file_hash: str
    content_hash: str | None  # None for what is not HDF5
    bytes: int

    @classmethod
    def of(cls, run: Path, path: Path, stage: str) -> Entry:
        content = content_hash(path) if path.suffix == ".h5" else None
        return cls(path.relative_to(run).as_posix(), stage, file_hash(path), content, path.stat().st_size)


def _lines(path: Path) -> tuple[list[Entry], int]:
    """The entries and the length in bytes of the whole lines; a torn last line (killed writer) is left out."""
    if not path.exists():
        return [], 0
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    entries = []
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            entries.append(Entry(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise DataError(
                f"{path}, line {number}: not a manifest entry ({error}); what was published is uncertain; restore "
                "the file, or remove it and repeat the command that wrote the run"
            ) from None
    return entries, len(whole)


def read(run: Path) -> dict[str, Entry]:
    return {entry.path: entry for entry in _lines(run / NAME)[0]}


def append(run: Path, entries: list[Entry]) -> None:
    """Appends and fsyncs; entries equal to the listed ones are not repeated."""
    path = run / NAME
    present, length = _lines(path)
    listed = {entry.path: entry for entry in present}
    text = "".join(json.dumps(asdict(e), separators=(",", ":")) + "\n" for e in entries if listed.get(e.path) != e)
    if not text:
        return
    with open(path, "ab") as handle:
        handle.truncate(length)
        handle.write(text.encode())
        handle.flush()
        os.fsync(handle.fileno())


def is_complete(path: Path) -> bool:
    try:
        with h5py.File(path, "r") as file:
            return int(file.attrs.get("complete", 0)) == 1
    except OSError:
        return False


def adopt(run: Path) -> list[Entry]:
    """Lists complete published files that the manifest does not name; returns the new entries."""
    listed = read(run)
    found = [
        Entry.of(run, path, kind.stage)
        for kind in ARTEFACTS
        if kind.listing == "adopted"
        for path in kind.files(run)
        if path.relative_to(run).as_posix() not in listed and is_complete(path)
    ]
    append(run, found)
    return found


def check(run: Path, entry: Entry) -> Path:
    """Path of a listed file after comparing its size and file hash."""
    path = run / entry.path
    if not path.is_file():
        raise DataError(f"{path}: listed in the manifest but missing; restore it or repeat the {entry.stage} command")
    if path.stat().st_size != entry.bytes or file_hash(path) != entry.file_hash:
        raise DataError(
            f"{path}: differs from its manifest entry (damaged or overwritten); results on it would be wrong; "
            f"remove the file and repeat the {entry.stage} command"
        )
    return path
