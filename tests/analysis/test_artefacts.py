"""The kinds of files of a run: one table in C++, its copy in Python; in Python `files` alone knows what is in them."""

from __future__ import annotations

import re
from pathlib import Path

from moerae.files.manifest import ARTEFACTS

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r'\{"(\w+)",\s*in_(run|stage),\s*"([^"]+)",\s*Listing::(\w+)\}')


def test_both_tables_are_the_same() -> None:
    rows = ROW.findall((ROOT / "src/store/artefacts.cpp").read_text())
    assert len(rows) > 5
    assert [(stage, place == "stage", pattern, listing) for stage, place, pattern, listing in rows] == [
        (kind.stage, kind.in_stage, kind.pattern, kind.listing) for kind in ARTEFACTS
    ]


def test_only_files_and_readers_of_what_others_publish_open_hdf5() -> None:
    package = ROOT / "analysis/moerae"
    users = {path.relative_to(package).parts[0] for path in package.rglob("*.py") if "import h5py" in path.read_text()}
    assert users == {"files", "imports"}
