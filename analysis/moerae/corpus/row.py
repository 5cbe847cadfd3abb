"""One row of a file -> one row of a prompt set."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from moerae.corpus.columns import value_of
from moerae.corpus.labels import is_object, label_of
from moerae.corpus.sets import ColumnMap
from moerae.corpus.table import RawRow
from moerae.corpus.text import not_utf8
from moerae.corpus.turns import read_turns
from moerae.corpus.unfit import Unfit

LABEL_FIELDS = ("label", "topic", "domain", "wrapper")
BREAK = "\n\n---\n\n"  # between context and prompt, as HarmBench has it
WITHHELD = ("REDACTED", "[REDACTED]")


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


def normalised(text: str) -> str:
    """Two prompts that differ in case, spacing or composition of characters only are the same prompt."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def read_row(set_: str, source: str, raw: RawRow, map_: ColumnMap, responses: bool) -> Row:
    """Unfit, with the reason, where the row cannot be used."""
    cells = raw.cells
    prompt, said = read_turns(cells.get(map_.prompt))
    if map_.otherwise and not prompt.strip():
        prompt, said = read_turns(cells.get(map_.otherwise))
    if not prompt.strip():
        raise Unfit("empty text")
    if prompt.strip().upper() in WITHHELD:
        raise Unfit("REDACTED")
    context = _text(cells, map_, "context")
    text = prompt if context is None else f"{context}{BREAK}{prompt}"
    keys = [f"text:{normalised(text)}"]
    group, pair, id_ = (value_of(map_, name, cells) for name in ("cluster", "pair", "id"))
    if group is not None:
        keys.append(f"cluster:{map_.scope or map_.cluster}={group}")
    row = Row(
        set_,
        source,
        raw.number,
        text,
        {name: value_of(map_, name, cells) for name in LABEL_FIELDS},
        _text(cells, map_, "response") or said if responses else None,
        _text(cells, map_, "target"),
        keys,
        None if pair is None else f"pair:{map_.scope or map_.pair}={pair}",
        id_,
    )
    _check_characters(row)
    return row


def unknown_objects(raw: RawRow, map_: ColumnMap) -> list[str]:
    """Fields of labels whose cell is an object that says nothing as a label."""
    found = ((name, raw.cells.get(column)) for name, column in map_.used.items() if name in LABEL_FIELDS)
    return [name for name, value in found if is_object(value) and label_of(value) is None]


def _text(cells: dict, map_: ColumnMap, name: str) -> str | None:
    value = cells.get(getattr(map_, name))
    if value is None or value != value:  # NaN differs from itself
        return None
    if not isinstance(value, str):
        raise Unfit(f"{name} is not text")
    return value if value.strip() else None


def _check_characters(row: Row) -> None:
    pieces = [row.text, row.response, row.target, row.pair, row.id, *row.keys, *row.labels.values()]
    texts = [piece for piece in pieces if piece is not None]
    if any("\0" in text for text in texts):
        raise Unfit("NUL character")
    if any(map(not_utf8, texts)):
        raise Unfit("not UTF-8")
