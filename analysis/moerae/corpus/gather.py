"""Rows of the files -> rows of prompt sets, with an account of everything that was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from moerae.corpus import columns
from moerae.corpus.names import shown
from moerae.corpus.row import Row, read_row, unknown_objects
from moerae.corpus.rows import read_table
from moerae.corpus.sets import ColumnMap
from moerae.corpus.specs import SetSpec, seen_values, value_of
from moerae.corpus.table import Table
from moerae.corpus.unfit import Unfit
from moerae.errors import ConfigError, DataError


@dataclass
class Account:
    """What was dropped, row by row, and what was kept but deserves a word. No text of prompts."""

    dropped: list[tuple[str, int, str, str]] = field(default_factory=list)  # source, row, set, reason
    notes: Counter[str] = field(default_factory=Counter)
    files: list[str] = field(default_factory=list)  # what was found about a file as a whole
    sources: dict[str, dict] = field(default_factory=dict)  # name -> file hash, column map, rows

    def drop(self, row: Row, reason: str) -> None:
        self.dropped.append((row.source, row.number, row.set, reason))

    def reasons(self) -> dict[str, int]:
        return dict(Counter(reason for _, _, _, reason in self.dropped))


def gather(
    specs: list[SetSpec],
    given: Mapping[str | None, Mapping[str, str]],
    account: Account,
    responses: bool = True,
    encoding: str | None = None,
) -> list[Row]:
    tables = {path: read_table(path, encoding) for path in dict.fromkeys(spec.path for spec in specs)}
    names: dict[Path, str] = {}
    rows: list[Row] = []
    headers = set().union(*(table.header for table in tables.values()))
    for field_, column in given.get(None, {}).items():
        if column not in headers:
            raise ConfigError(f"column {column!r} ({field_}): no file has it; there are {shown(headers)}")
    for spec in specs:
        table = tables[spec.path]
        if spec.path not in names:
            taken = spec.path.name in names.values()
            names[spec.path] = str(spec.path) if taken else spec.path.name
            account.dropped += [(names[spec.path], row.number, "", row.fault) for row in table.rows if row.fault]
            account.files += [f"{names[spec.path]}: {note}" for note in table.notes]
        name = names[spec.path]
        common = {f: c for f, c in given.get(None, {}).items() if c in table.header}
        asked = {condition.column for condition in spec.conditions}
        own = common | dict(given.get(spec.name, {}))
        map_ = columns.resolve(table.header, own, str(spec.path), spec.name, asked)
        unused = columns.unused(table.header, map_, asked)
        if unused:
            account.files.append(f"{name}, set {spec.name}, read as {map_.name}: columns not used: {shown(unused)}")
        account.sources[name] = {"hash": table.hash, "columns": map_.name, "rows": len(table.rows)}
        rows += _select(spec, table, map_, name, account, responses)
    return _without_duplicates(rows, account)


def _select(spec: SetSpec, table: Table, map_: ColumnMap, source: str, account: Account, responses: bool) -> list[Row]:
    chosen = [
        row
        for row in table.rows
        if row.cells and all(c.holds(value_of(table, map_, c.column, row.cells)) for c in spec.conditions)
    ]
    if not chosen:
        seen = "".join(seen_values(table, map_, condition) for condition in spec.conditions)
        raise DataError(f"set {spec.name}: no readable row of {table.path} out of {len(table.rows)} fulfils it{seen}")
    kept = []
    for raw in chosen:
        try:
            kept.append(read_row(spec.name, source, raw, map_, responses))
        except Unfit as reason:
            account.dropped.append((source, raw.number, spec.name, str(reason)))
        else:
            account.notes.update(
                f"{name} is an object, not a label: left unknown" for name in unknown_objects(raw, map_)
            )
    return kept


def _without_duplicates(rows: list[Row], account: Account) -> list[Row]:
    kept: list[Row] = []
    seen: set[tuple] = set()
    ids: set[tuple] = set()
    pairs: set[tuple] = set()
    for row in rows:
        key = row.set, row.keys[0], row.response
        if key in seen:
            account.drop(row, "duplicate in its set")
            continue
        seen.add(key)
        if row.id is not None and (row.set, row.source, row.id) in ids:
            account.notes["an id occurs more than once in a set (rows are told apart by source and row)"] += 1
        if row.pair is not None and (row.set, row.pair) in pairs:
            account.notes["a pair occurs more than once in a set (only its first prompt is paired)"] += 1
            row.pair = None
        ids.add((row.set, row.source, row.id))
        pairs.add((row.set, row.pair))
        kept.append(row)
    unknown = sum(row.labels["label"] is None for row in kept)
    if unknown:
        account.notes["label unknown (-1)"] = unknown
    return kept
