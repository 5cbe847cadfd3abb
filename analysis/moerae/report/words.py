"""Values of provenance, evidence and attributes as words."""

from __future__ import annotations

from collections.abc import Iterator


def words(value: object) -> str:
    if isinstance(value, dict) and "says" in value:  # a sentence with the numbers in it
        return str(value["says"])
    if isinstance(value, dict):
        return ", ".join(f"{name(key)} {words(inner)}" for key, inner in value.items())
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ("; " if any(isinstance(part, str) for part in value) else "/").join(map(words, value))
    return str(value)


def name(key: object) -> str:
    return str(key).replace("_", " ")


def find(tree: dict, parts: tuple[str, ...], skip: tuple[str, ...] = ("config",)) -> Iterator[tuple[str, object]]:
    """(name, value) of every key that contains one of `parts`, at any depth; nothing below a found one."""
    for key, inner in tree.items():
        if any(part in key for part in parts):
            yield name(key), inner
        elif isinstance(inner, dict) and key not in skip:
            yield from find(inner, parts, skip)
