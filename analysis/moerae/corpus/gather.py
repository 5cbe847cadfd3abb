"""Rows of the files -> rows of prompt sets, with an account of everything that was left out."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from moerae.corpus import columns
from moerae.corpus.columns import ColumnMap
from moerae.corpus.rows import RawRow, Table, read_table
from moerae.corpus.specs import SetSpec, seen_values, value_of
from moerae.errors import ConfigError, DataError


@dataclass
class Row:
    set: str
    source: str
    number: int
    text: str
    labels: dict[str, str | None]  # label, topic, domain, wrapper
    response: str | None
    target: str | None
    keys: list[str]  # rows that share a key share a cluster
    pair: str | None
    id: str | None


@dataclass
class Account:
    """What was dropped, row by row, and what was kept but deserves a word. No text of prompts."""

    dropped: list[tuple[str, int, str, str]] = field(default_factory=list)  # source, row, set, reason
    notes: Counter[str] = field(default_factory=Counter)
    sources: dict[str, dict] = field(default_factory=dict)  # name -> file hash, column map, rows

    def drop(self, row: Row, reason: str) -> None:
        self.dropped.append((row.source, row.number, row.set, reason))

    def reasons(self) -> dict[str, int]:
        return dict(Counter(reason for _, _, _, reason in self.dropped))


def normalised(text: str) -> str:
    """Two prompts that differ in case, spacing or composition of characters only are the same prompt."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def gather(
    specs: list[SetSpec], given: Mapping[str | None, Mapping[str, str]], account: Account, responses: bool = True
) -> list[Row]:
    tables = {path: read_table(path) for path in dict.fromkeys(spec.path for spec in specs)}
    names: dict[Path, str] = {}
    rows: list[Row] = []
    headers = set().union(*(table.header for table in tables.values()))
    for field_, column in given.get(None, {}).items():
        if column not in headers:
            raise ConfigError(f"column {column!r} ({field_}): no file has it; there are {', '.join(sorted(headers))}")
    for spec in specs:
        table = tables[spec.path]
        if spec.path not in names:
            taken = spec.path.name in names.values()
            names[spec.path] = str(spec.path) if taken else spec.path.name
            account.dropped += [(names[spec.path], row.number, "", row.fault) for row in table.rows if row.fault]
        name = names[spec.path]
        common = {f: c for f, c in given.get(None, {}).items() if c in table.header}
        map_ = columns.resolve(table.header, common | dict(given.get(spec.name, {})), str(spec.path))
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
        row = _row(spec.name, source, raw, map_, responses)
        reason = _fault(row, raw, map_)
        if reason:
            account.drop(row, reason)
        else:
            kept.append(row)
    return kept


def _row(set_: str, source: str, raw: RawRow, map_: ColumnMap, responses: bool) -> Row:
    cells = raw.cells or {}
    text = cells.get(map_.prompt)
    text = text if isinstance(text, str) else ""
    context = cells.get(map_.context) if map_.context else None
    if isinstance(context, str) and context.strip():
        text = f"{context}\n\n---\n\n{text}"  # as HarmBench joins them
    labels = {name: columns.value_of(map_, name, cells) for name in LABEL_FIELDS}
    keys = [f"text:{normalised(text)}"]
    group, pair, id_ = (columns.value_of(map_, name, cells) for name in ("cluster", "pair", "id"))
    if group is not None:
        keys.append(f"cluster:{map_.scope}{map_.cluster}={group}")
    return Row(
        set_,
        source,
        raw.number,
        text,
        labels,
        _reply(cells, map_.response) if responses else None,
        _reply(cells, map_.target),
        keys,
        None if pair is None else f"pair:{map_.scope}{map_.pair}={pair}",
        id_,
    )


LABEL_FIELDS = ("label", "topic", "domain", "wrapper")


def _reply(cells: Mapping, column: str | None) -> str | None:
    value = cells.get(column) if column else None
    return value if isinstance(value, str) and value.strip() else None


def _fault(row: Row, raw: RawRow, map_: ColumnMap) -> str | None:
    prompt = (raw.cells or {}).get(map_.prompt)
    if prompt is not None and not isinstance(prompt, str):
        return "prompt is not text"
    if prompt is None or not prompt.strip():
        return "empty text"
    if prompt.strip().upper() in ("REDACTED", "[REDACTED]"):
        return "REDACTED"
    pieces = [row.text, row.response, row.target, row.pair, row.id, *row.keys, *row.labels.values()]
    texts = [piece for piece in pieces if piece is not None]
    if any("\0" in text for text in texts):
        return "NUL character"
    if any("\ud800" <= character <= "\udfff" for text in texts for character in text):
        return "not UTF-8"
    return None


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
