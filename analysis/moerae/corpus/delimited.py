"""Rows of csv and tsv files, whatever separates their columns."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from moerae.corpus.names import is_name
from moerae.corpus.table import RawRow
from moerae.corpus.text import NOT_UTF8, not_utf8
from moerae.errors import DataError

SEPARATORS = {",": "','", "\t": "a tab", ";": "';'", "|": "'|'"}
EXCEL = re.compile(r"sep=(.)\r?\n")  # a first line that spreadsheets write
HEAD = 1 << 16  # characters that hold a header
QUOTES = "quotes of a CSV row do not match"


def read_csv(path: Path, text: str, notes: list[str]) -> list[RawRow]:
    return _read(path, text, notes, ",")


def read_tsv(path: Path, text: str, notes: list[str]) -> list[RawRow]:
    return _read(path, text, notes, "\t")


def _read(path: Path, text: str, notes: list[str], usual: str) -> list[RawRow]:
    csv.field_size_limit(sys.maxsize)  # the default refuses cells above 128 KiB
    given = EXCEL.match(text)
    text = text[given.end() :] if given else text
    separator = given[1] if given else _separator(text, usual)
    if separator != usual:
        notes.append(f"columns are separated by {SEPARATORS.get(separator, repr(separator))}")
    records = [cells for cells in _records(text, separator) if cells != []]
    if not records:
        return []
    first = records[0]
    if first is None:
        raise DataError(f"{path}: the quotes of its first line do not match, so there is no header; repair that line")
    header = _header(path, first)
    if not all(map(is_name, header)):
        if len(header) == 1 and all(cells is None or len(_trimmed(cells, 1)) == 1 for cells in records):
            notes.append("no header, one cell a row: every row is a prompt")
            return _rows([["prompt"], *records][1:], ["prompt"], notes)
        raise DataError(
            f"{path}: its first row is not a header (a sentence stands where the name of a column should); put a line "
            "of column names before it, such as prompt,label, or give prompts alone, one a line, as a .txt file"
        )
    return _rows(records[1:], header, notes)


def _rows(records: list[list[str] | None], header: list[str], notes: list[str]) -> list[RawRow]:
    rows = [_row(number, cells, header) for number, cells in enumerate(records, 1)]
    broken = sum(row.fault == QUOTES for row in rows)
    if broken:
        notes.append(f"{broken} rows whose quotes do not match: what follows them is read line by line")
    return rows


def _row(number: int, cells: list[str] | None, header: list[str]) -> RawRow:
    if cells is None:
        return RawRow(number, None, QUOTES)
    cells = _trimmed(cells, len(header))
    if len(cells) != len(header):
        return RawRow(number, None, "number of cells differs from the header")
    return RawRow(number, dict(zip(header, cells, strict=True)))


def _records(text: str, separator: str) -> Iterator[list[str] | None]:
    """Cells of each record; None where its quotes do not match: then the next line begins a record."""
    lines = list(io.StringIO(text, newline=""))
    start = 0
    while start < len(lines):
        begin = start
        reader = csv.reader((lines[i] for i in range(begin, len(lines))), delimiter=separator, strict=True)
        try:
            for cells in reader:
                yield cells
                start = begin + reader.line_num
        except csv.Error:  # its message could hold text of the file
            yield None
            start += 1


def _separator(text: str, usual: str) -> str:
    """The one that makes the most columns of the first line; the usual one where none makes more."""
    head = text[:HEAD]
    widths = {separator: len(next(_records(head, separator), None) or []) for separator in (usual, *SEPARATORS)}
    return max(widths, key=widths.get)


def _header(path: Path, cells: list[str]) -> list[str]:
    names = [name.strip() for name in _trimmed([name.strip() for name in cells], 1)]
    if any(map(not_utf8, names)):
        raise DataError(f"{path}: {NOT_UTF8}; names of columns cannot be read")
    names = [name or f"Unnamed: {i}" for i, name in enumerate(names)]  # as pandas calls a column without a name
    if len(set(names)) != len(names):
        raise DataError(f"{path}: a column name occurs twice in the header, so rows are ambiguous; rename one")
    return names


def _trimmed(cells: list[str], width: int) -> list[str]:
    """Without the empty cells that spreadsheets leave behind the last column."""
    end = len(cells)
    while end > width and not cells[end - 1].strip():
        end -= 1
    return cells[:end]
