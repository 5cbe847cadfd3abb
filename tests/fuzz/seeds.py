"""Seeds and the dictionary of field names for the fuzz targets: small valid inputs, so that mutations start deep."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

CONFIGS = Path(__file__).parents[1] / "model" / "configs"


def safetensors(tensors: dict[str, tuple[str, list[int], int]], metadata: dict[str, str] | None = None) -> bytes:
    """A file of name -> (dtype, shape, bytes)."""
    header: dict[str, object] = {} if metadata is None else {"__metadata__": metadata}
    end = 0
    for name, (dtype, shape, size) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(end)


def inputs() -> dict[str, list[bytes]]:
    return {
        "safetensors": [
            safetensors({}),
            safetensors({"a": ("F32", [2], 8), "b": ("BF16", [2, 3], 12)}),
            safetensors({"a": ("U8", [0, 4], 0), "b": ("F8_E4M3", [5], 5), "c": ("I64", [], 8)}, {"format": "pt"}),
        ],
        "index": [
            json.dumps({"metadata": {"total_size": 8}, "weight_map": weight_map}).encode()
            for weight_map in ({"a": "a.safetensors"}, {"a": "a.safetensors", "b": "b.safetensors"})
        ],
        "config": [path.read_bytes() for path in sorted(CONFIGS.glob("**/*.json"))],
    }


def fields(value: object) -> set[str]:
    """Every key and every short text of a JSON value."""
    if isinstance(value, dict):
        return set(value).union(*(fields(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(fields(item) for item in value))
    return {value} if isinstance(value, str) and value.isascii() and len(value) < 40 else set()


def main(folder: Path) -> None:
    words: set[str] = set()
    for target, seeds in inputs().items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds):
            (folder / target / f"seed-{number:02}").write_bytes(seed)
        if target == "config":
            words.update(*(fields(json.loads(seed)) for seed in seeds))
        if not seeds:
            raise SystemExit(f"fuzz: no seeds for {target}; {CONFIGS} should hold config files")
    literals = ('"' + json.dumps(word).replace("\\", "\\\\").replace('"', '\\"') + '"' for word in sorted(words))
    dictionary = (Path(__file__).parent / "json.dict").read_text() + "\n".join(literals) + "\n"
    (folder / "json.dict").write_text(dictionary)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
