"""Surgery on safetensors files: what a broken copy, a bug or an attacker would leave on the disk."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ITEM = {"F32": 4, "BF16": 2, "F64": 8, "I64": 8}
FILE = "model.safetensors"
INDEX = "model.safetensors.index.json"


@dataclass
class Parts:
    """A safetensors file taken apart; written back without any check."""

    path: Path
    header: dict[str, Any]
    data: bytes

    @classmethod
    def read(cls, path: Path) -> Parts:
        raw = path.read_bytes()
        (length,) = struct.unpack("<Q", raw[:8])
        return cls(path, json.loads(raw[8 : 8 + length]), raw[8 + length :])

    def write(self, text: str | None = None, length: int | None = None) -> None:
        encoded = (json.dumps(self.header) if text is None else text).encode()
        self.path.write_bytes(struct.pack("<Q", len(encoded) if length is None else length) + encoded + self.data)

    def tensors(self) -> dict[str, bytes]:
        names = [name for name in self.header if name != "__metadata__"]
        return {name: self.data[slice(*self.header[name]["data_offsets"])] for name in names}

    def rebuild(self, tensors: dict[str, tuple[str, list[int], bytes]]) -> None:
        """A sound file of other tensors: name -> (dtype, shape, bytes)."""
        self.header, self.data = {}, b""
        for name, (dtype, shape, raw) in tensors.items():
            end = len(self.data) + len(raw)
            self.header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(self.data), end]}
            self.data += raw
        self.write()

    def described(self) -> dict[str, tuple[str, list[int], bytes]]:
        return {
            name: (self.header[name]["dtype"], self.header[name]["shape"], raw) for name, raw in self.tensors().items()
        }


def edit_tensors(change: Callable[[dict[str, tuple[str, list[int], bytes]]], None]) -> Callable[[Path], None]:
    """-> a mutation of a checkpoint folder that leaves its file sound but with other tensors."""

    def mutate(model: Path) -> None:
        parts = Parts.read(model / FILE)
        tensors = parts.described()
        change(tensors)
        parts.rebuild(tensors)

    return mutate


def edit_header(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    """-> a mutation that lets the header lie about unchanged data."""

    def mutate(model: Path) -> None:
        parts = Parts.read(model / FILE)
        change(parts.header)
        parts.write()

    return mutate


def edit_bytes(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def mutate(model: Path) -> None:
        (model / FILE).write_bytes(change((model / FILE).read_bytes()))

    return mutate


def edit_json(name: str, change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def mutate(model: Path) -> None:
        value = json.loads((model / name).read_text())
        change(value)
        (model / name).write_text(json.dumps(value))

    return mutate


def duplicate_key(model: Path) -> None:
    parts = Parts.read(model / FILE)
    name, entry = next((n, e) for n, e in parts.header.items() if n != "__metadata__")
    parts.write(json.dumps(parts.header)[:-1] + f", {json.dumps(name)}: {json.dumps(entry)}}}")


def length_field(length: int) -> Callable[[Path], None]:
    return lambda model: Parts.read(model / FILE).write(length=length)


def header_text(text: str) -> Callable[[Path], None]:
    return lambda model: Parts.read(model / FILE).write(text)


def copy_with(model: Path, folder: Path, mutate: Callable[[Path], None]) -> Path:
    shutil.copytree(model, folder)
    mutate(folder)
    return folder
