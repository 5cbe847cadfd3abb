"""`--set NAME=FILE[:COLUMN=VALUE[|VALUE...][,COLUMN!=VALUE...]]`: which rows of which file make a prompt set."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from moerae.corpus.columns import TEXTS
from moerae.corpus.columns import value_of as field_value
from moerae.corpus.labels import label_of
from moerae.corpus.names import is_name, shown
from moerae.corpus.sets import FIELDS, ColumnMap
from moerae.corpus.table import Table
from moerae.errors import ConfigError
from moerae.files.corpus import SET_NAME

CONDITION = re.compile(r"(?P<column>[^=!:/]+?)(?P<sign>!?=)(?P<values>.*)")


@dataclass(frozen=True)
class Condition:
    column: str
    equal: bool
    values: frozenset[str]

    def holds(self, value: str | None) -> bool:
        """An unknown value fulfils no condition, neither = nor !=."""
        return value is not None and (value in self.values) == self.equal


@dataclass(frozen=True)
class SetSpec:
    name: str
    path: Path
    conditions: tuple[Condition, ...] = ()


def parse_set(text: str) -> SetSpec:
    name, equals, rest = text.partition("=")
    if not equals or not rest or not SET_NAME.fullmatch(name):
        raise ConfigError(f"--set {text}: expected NAME=FILE[:COLUMN=VALUE], NAME of letters, digits and . _ - +")
    if Path(rest).exists():
        return SetSpec(name, Path(rest))
    file, colon, filters = rest.partition(":")
    while colon and not Path(file).exists() and ":" in filters:  # a colon may be part of the path
        more, colon, filters = filters.partition(":")
        file = f"{file}:{more}"
    return SetSpec(name, Path(file), tuple(_condition(part, text) for part in filters.split(",") if part))


def _condition(part: str, text: str) -> Condition:
    match = CONDITION.fullmatch(part)
    if match is None:
        raise ConfigError(f"--set {text}: {part!r} is not COLUMN=VALUE or COLUMN!=VALUE (alternatives: VALUE|VALUE)")
    values = frozenset(value.strip() for value in match["values"].split("|"))
    return Condition(match["column"].strip(), match["sign"] == "=", values)


def value_of(table: Table, columns: ColumnMap, column: str, cells: dict) -> str | None:
    """Value of a column of the file, or else of a field (label, topic, ...) of the column map."""
    if column in table.header:
        return label_of(cells.get(column))
    if column not in FIELDS:
        raise ConfigError(f"{table.path}: no column {column!r} to filter by; it has {shown(table.header)}")
    return field_value(columns, column, cells)


def seen_values(table: Table, columns: ColumnMap, condition: Condition) -> str:
    """What the column of a condition holds, for an error message; never text of prompts."""
    if condition.column in [getattr(columns, f) for f in TEXTS] or condition.column in TEXTS:
        return ""
    values = [value_of(table, columns, condition.column, row.cells) for row in table.rows if row.cells]
    counts = Counter(value for value in values if value is not None)
    # labels repeat or are one word; what does neither may be a prompt
    labels = [v for v, n in sorted(counts.items()) if is_name(v) and (n > 1 or len(v.split()) == 1)]
    if len(counts) > 20 or len(labels) < len(counts):
        return f"; {condition.column} has {len(counts)} values"
    return f"; {condition.column} is " + ", ".join(f"{label} ({counts[label]})" for label in labels)
