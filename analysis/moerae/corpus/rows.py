"""Rows of csv, tsv, jsonl, json and parquet files. A row that cannot be read is kept as a fault."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from moerae.errors import ConfigError, DataError
from moerae.files.hashing import file_hash


@dataclass(frozen=True)
class RawRow:
    number: int  # data row from 1, headers and blank lines not counted
    cells: dict | None  # column -> value as the file has it; None where the row is a fault
    fault: str | None = None


@dataclass(frozen=True)
class Table:
    path: Path
    header: set[str]
    rows: list[RawRow]
    hash: str


def _text(path: Path) -> str:
    # undecodable bytes become lone surrogates, so that one bad row does not cost the file; they are found later
    return path.read_bytes().removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="surrogateescape")


def _delimited(path: Path) -> Iterator[RawRow]:
    csv.field_size_limit(sys.maxsize)  # the default refuses cells above 128 KiB
    delimiter = "\t" if path.suffix == ".tsv" else ","
    reader = csv.reader(io.StringIO(_text(path), newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    number = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:  # the message could hold text of the file
            number += 1
            yield RawRow(number, None, "quotes of a CSV row do not match")
            continue
        if not cells:
            continue
        if header is None:
            header = [name.strip() for name in cells]
            if len(set(header)) != len(header):
                raise DataError(f"{path}: a column name occurs twice in the header, so rows are ambiguous; rename one")
            continue
        number += 1
        if len(cells) != len(header):
            yield RawRow(number, None, "number of cells differs from the header")
        else:
            yield RawRow(number, dict(zip(header, cells, strict=True)))


def _object(number: int, value: object) -> RawRow:
    return RawRow(number, value) if isinstance(value, dict) else RawRow(number, None, "not a JSON object")


def _json_lines(path: Path) -> Iterator[RawRow]:
    lines = (line for line in _text(path).split("\n") if line.strip())
    for number, line in enumerate(lines, 1):
        try:
            yield _object(number, json.loads(line))
        except (ValueError, RecursionError):
            yield RawRow(number, None, "not JSON")


def _json(path: Path) -> Iterator[RawRow]:
    try:
        data = json.loads(_text(path))
    except (ValueError, RecursionError):
        raise DataError(f"{path}: not a JSON document; for one object per line name the file .jsonl") from None
    if isinstance(data, dict):
        lists = [value for value in data.values() if isinstance(value, list)]
        data = lists[0] if len(lists) == 1 else None
    if not isinstance(data, list):
        raise DataError(f"{path}: expected a list of objects, or one object holding one such list")
    yield from (_object(number, value) for number, value in enumerate(data, 1))


def _parquet(path: Path) -> Iterator[RawRow]:
    import pandas

    try:
        frame = pandas.read_parquet(path)
    except ImportError:
        raise ConfigError(f"{path}: parquet needs pyarrow, which is not installed: pip install pyarrow") from None
    except Exception as error:
        raise DataError(f"{path}: not a parquet file ({type(error).__name__})") from None
    frame = frame.astype(object).where(frame.notna(), None)
    yield from (RawRow(number, cells) for number, cells in enumerate(frame.to_dict("records"), 1))


READERS: dict[str, Callable[[Path], Iterator[RawRow]]] = {
    ".csv": _delimited,
    ".tsv": _delimited,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".parquet": _parquet,
}


def read_table(path: Path) -> Table:
    if not path.is_file():
        raise DataError(f"{path}: no such file of prompts")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ConfigError(f"{path}: unknown kind of file {path.suffix!r}; known are {', '.join(READERS)}")
    rows = list(reader(path))
    header = {str(name) for row in rows if row.cells for name in row.cells}
    if not header:
        raise DataError(f"{path}: no rows; expected a header or objects with named columns, and at least one row")
    return Table(path, header, rows, file_hash(path))


def cell(value: object) -> str | None:
    """A label as text; None where it is unknown."""
    if value is None or value == "" or value != value:  # NaN differs from itself
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or None
    return str(value).strip() or None
