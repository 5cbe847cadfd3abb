"""Git LFS pointers: what a clone without Git LFS holds in place of large files."""

from __future__ import annotations

from pathlib import Path

from moerae.errors import DataError

MAGIC = b"version https://git-lfs.github.com/spec/"


def refuse_pointer(path: Path) -> None:
    """DataError where the file is not the data but a pointer to it."""
    with open(path, "rb") as file:
        if file.read(len(MAGIC)) == MAGIC:
            raise DataError(
                f"{path}: is a Git LFS pointer, a few lines that name the file, not the file; fetch it with "
                "`git lfs pull` in the clone, or download it anew"
            )
