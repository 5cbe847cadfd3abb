"""A file of prompts -> rows, by the kind of the file. A row that cannot be read is kept as a fault."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from moerae.corpus.delimited import read_csv, read_tsv
from moerae.corpus.objects import read_json, read_json_lines
from moerae.corpus.table import RawRow, Table, texts
from moerae.corpus.text import COMPRESSIONS, decode, kind_of, read_bytes
from moerae.errors import ConfigError, DataError
from moerae.files.hashing import file_hash


def read_lines(path: Path, text: str, notes: list[str]) -> list[RawRow]:
    """A prompt a line."""
    if text.lstrip().startswith(('{"', "[{", '["')):
        raise DataError(f"{path}: holds JSON, not a prompt a line; name it .json, or .jsonl for one object a line")
    return texts(line.rstrip("\r") for line in text.split("\n") if line.strip())


def read_parquet(path: Path, data: bytes) -> list[RawRow]:
    from pyarrow import ArrowException, parquet

    try:
        rows = parquet.read_table(io.BytesIO(data)).to_pylist()
    except (ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path}: not a parquet file ({type(error).__name__}); is it whole? fetch it anew") from None
    return [RawRow(number, cells) for number, cells in enumerate(rows, 1)]


READERS: dict[str, Callable[[Path, str, list[str]], list[RawRow]]] = {
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": read_json,
    ".txt": read_lines,
}
PARQUET = ".parquet"
KINDS = f"{', '.join([*READERS, PARQUET])}, each also with {', '.join(COMPRESSIONS)}"


def read_table(path: Path, encoding: str | None = None) -> Table:
    if not path.is_file():
        raise DataError(f"{path}: no such file of prompts")
    kind = kind_of(path)
    if kind not in (*READERS, PARQUET):
        raise ConfigError(f"{path}: unknown kind of file {kind!r}; known are {KINDS}")
    notes: list[str] = []
    data = read_bytes(path)
    if kind == PARQUET:
        rows = read_parquet(path, data)
    else:
        rows = READERS[kind](path, decode(path, data, notes, encoding), notes)
    header = {str(name) for row in rows if row.cells for name in row.cells}
    if not header:
        faults = Counter(row.fault for row in rows)
        why = f" can be read ({', '.join(f'{fault}: {n}' for fault, n in faults.items())})" if faults else ""
        raise DataError(f"{path}: no rows{why}; expected a header or objects with named columns, and at least one row")
    return Table(path, header, rows, file_hash(path), notes)
