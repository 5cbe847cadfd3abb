"""stage.json of a stage folder: what the stage was asked for, and the hash of it."""

from __future__ import annotations

import json
from pathlib import Path

import xxhash

from moerae.errors import DataError
from moerae.files.publish import publishing

SCHEMA = "moerae.stage/1"


def inputs_hash(inputs: dict) -> str:
    """XXH3-64 of the inputs, equal to that of the C++ programs."""
    return xxhash.xxh3_64_hexdigest(json.dumps(inputs, sort_keys=True).encode())


def write_stage(path: Path, stage: str, inputs: dict, **more: object) -> None:
    """`more`: what a stage notes beside its inputs, without part in the hash."""
    document = {"schema": SCHEMA, "stage": stage, "hash": inputs_hash(inputs), "inputs": inputs, **more}
    with publishing(path) as temporary:
        temporary.write_text(json.dumps(document) + "\n")


def read_stage(path: Path) -> dict:
    try:
        stage = json.loads(path.read_text())
        if not isinstance(stage["inputs"], dict):
            raise ValueError("`inputs` is no object")
        return stage
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: not a stage description ({error}), so it is unknown what the stage was to do; restore it, or "
            "make the run anew"
        ) from None
