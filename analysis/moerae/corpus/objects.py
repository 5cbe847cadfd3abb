"""Rows of json and jsonl files, in the shapes that prompt sets are published in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from moerae.corpus.names import is_name
from moerae.corpus.sets import CASE, CASE_ID, PROMPT_COLUMNS
from moerae.corpus.table import TEXT, RawRow
from moerae.errors import DataError

CONTAINERS = {"data", "rows", "examples", "instances", "prompts", "train", "test", "validation"}  # no ids
LIST = re.compile(r"\s*\[\s*[\[{\"]")


def read_json(path: Path, text: str, notes: list[str]) -> list[RawRow]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        first = next((line for line in text.split("\n") if line.strip()), "")
        if len(text.strip()) > len(first.strip()) and _is_object(first):
            notes.append("one JSON object a line")
            return read_json_lines(path, text, notes)
        raise DataError(f"{path}: not a JSON document, nor one JSON object a line; is it whole?") from None
    for shape in SHAPES:
        found = shape(data)
        if found is not None:
            return [_row(number, value) for number, value in enumerate(found, 1)]
    raise DataError(
        f"{path}: expected a list of objects or of prompts, an object holding one such list, {{id: [prompts]}}, "
        "{id: prompt} or {column: [values]}"
    )


def read_json_lines(path: Path, text: str, notes: list[str]) -> list[RawRow]:
    if LIST.match(text):
        return read_json(path, text, notes)
    rows = []
    for number, line in enumerate((line for line in text.split("\n") if line.strip()), 1):
        try:
            rows.append(_row(number, json.loads(line)))
        except (ValueError, RecursionError):
            rows.append(RawRow(number, None, "not JSON"))
    return rows


def _row(number: int, value: object) -> RawRow:
    if isinstance(value, str):
        value = {TEXT: value}
    return RawRow(number, value) if isinstance(value, dict) else RawRow(number, None, "not a JSON object")


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _list(data: Any) -> Iterable | None:  # noqa: ANN401 - whatever JSON holds, here and below
    return data if isinstance(data, list) else None


def _holder(data: dict) -> Iterable | None:
    """An object that holds one list of rows, beside what is said of them."""
    lists = {key: value for key, value in data.items() if isinstance(value, list)}
    if len(lists) != 1:
        return None
    key, rows = next(iter(lists.items()))
    return rows if key in CONTAINERS or all(isinstance(row, dict) for row in rows) else None


def _columns(data: dict) -> Iterable | None:
    """{column: [values]}, or {column: {row: value}} as pandas writes it."""
    if PROMPT_COLUMNS.isdisjoint(data):
        return None
    columns = [list(value.values()) if isinstance(value, dict) else value for value in data.values()]
    if not all(isinstance(column, list) for column in columns) or len({len(column) for column in columns}) != 1:
        return None
    return [dict(zip(data, values, strict=True)) for values in zip(*columns, strict=True)]


def _one_row(data: dict) -> Iterable | None:
    return None if PROMPT_COLUMNS.isdisjoint(data) else [data]


def _cases(data: dict) -> Iterable | None:
    """{id: [prompts]}, {id: prompt} or {id: [objects]}."""
    cases = {key: [value] if isinstance(value, str) else value for key, value in data.items()}
    for key, prompts in cases.items():
        if not is_name(key) or key in CONTAINERS or not isinstance(prompts, list):
            return None
        if not all(isinstance(prompt, str | dict) for prompt in prompts):
            return None
    rows = [(key, {CASE: prompt} if isinstance(prompt, str) else prompt) for key in cases for prompt in cases[key]]
    return [{CASE_ID: key, **row} for key, row in rows]


def _named(data: dict) -> Iterable | None:
    """{id: object}: the objects."""
    return data.values() if data and all(isinstance(value, dict) for value in data.values()) else None


def _of_object(shape: Callable[[dict], Iterable | None]) -> Callable[[Any], Iterable | None]:
    return lambda data: shape(data) if isinstance(data, dict) else None


SHAPES = (_list, *map(_of_object, (_holder, _columns, _one_row, _cases, _named)))
