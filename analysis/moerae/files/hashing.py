"""The two hashes of the manifest, equal to those of the C++ programs (src/store/content_hash.cpp).

file hash     XXH3-128 of the bytes of the file.
content hash  XXH3-128 over every dataset in ascending order of its full path (without the leading slash), each as
              path NUL dtype NUL shape NUL values: dtype like numpy's `<u4`, shape as decimals joined by commas,
              values in C order and little endian. Variable-length strings: dtype `str`, each value as UTF-8 + NUL.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import xxhash

CHUNK = 1 << 24


def file_hash(path: Path) -> str:
    digest = xxhash.xxh3_128()
    with open(path, "rb") as handle:
        while block := handle.read(CHUNK):
            digest.update(block)
    return digest.hexdigest()


def path_hash(path: Path) -> str:
    """Of a file, or of the names and bytes of a folder's files."""
    if not path.is_dir():
        return file_hash(path)
    digest = xxhash.xxh3_128()
    for file in sorted(file for file in path.iterdir() if file.is_file()):
        digest.update(f"{file.name}\0{file_hash(file)}\0".encode())
    return digest.hexdigest()


def content_hash(path: Path) -> str:
    with h5py.File(path, "r") as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        digest = xxhash.xxh3_128()
        for name in sorted(names, key=lambda text: text.encode()):
            dataset = file[name]
            text = h5py.check_string_dtype(dataset.dtype) is not None
            dtype = "str" if text else dataset.dtype.newbyteorder("<").str
            shape = ",".join(str(extent) for extent in dataset.shape)
            digest.update(f"{name}\0{dtype}\0{shape}\0".encode())
            if text:
                for value in dataset.asstr()[()].ravel():
                    digest.update(value.encode() + b"\0")
            elif dataset.size:
                values = dataset[()]
                digest.update(np.ascontiguousarray(values).astype(dtype, copy=False).tobytes())
    return digest.hexdigest()
