"""A cell of a file -> a label as text; None where it is unknown."""

from __future__ import annotations

import ast
import json


def label_of(value: object) -> str | None:
    if value is None or value == "" or value != value:  # NaN differs from itself
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, dict):
        return _flags(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or None
    return str(value).strip() or None


def is_object(value: object) -> bool:
    """An object, also one that was written out as a text, as tables do."""
    return isinstance(value, dict) or (isinstance(value, str) and _parsed(value) is not None)


def _of_text(text: str) -> str | None:
    flags = _parsed(text)
    return (text.strip() or None) if flags is None else _flags(flags)


def _flags(value: dict) -> str | None:
    """{name: whether it holds}: the names that hold, or `none`. An object of another kind is no label."""
    if not value or not all(flag in (True, False) for flag in value.values()):
        return None
    return ", ".join(str(name) for name, flag in value.items() if flag) or "none"


def _parsed(text: str) -> dict | None:
    if not text.lstrip().startswith("{"):
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            found = parse(text.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return found if isinstance(found, dict) else None
    return None
