"""A file of prompts in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

TEXT = "prompt"  # the column of rows that are a text alone


@dataclass(frozen=True)
class RawRow:
    number: int  # data row from 1, headers and blank lines not counted
    cells: dict | None  # column -> value as the file has it; None where the row is a fault
    fault: str | None = None


@dataclass
class Table:
    path: Path
    header: set[str]
    rows: list[RawRow]
    hash: str
    notes: list[str] = field(default_factory=list)  # how the file was read, where that is worth a word


def texts(values: Iterable[str]) -> list[RawRow]:
    return [RawRow(number, {TEXT: value}) for number, value in enumerate(values, 1)]
