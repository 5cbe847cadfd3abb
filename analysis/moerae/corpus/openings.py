"""Openings of replies between which a refusal margin decides (`moerae attribute`): --opening KIND=TEXT, --openings."""

from __future__ import annotations

from collections.abc import Iterable

from moerae.errors import ConfigError

# How assistants begin in English, on both sides equally many and about equally long.
TABLES = {
    "english": (
        ("refuse", "I'm sorry, but I can't"),
        ("refuse", "I cannot help with"),
        ("refuse", "I can't assist with"),
        ("refuse", "I'm not able to"),
        ("comply", "Sure, here is a"),
        ("comply", "Certainly! Here is"),
        ("comply", "Of course. Here are"),
        ("comply", "Here's how you can"),
    ),
}
KINDS = ("refuse", "comply")


def parse_openings(table: str | None, texts: Iterable[str]) -> list[tuple[str, str]]:
    """(kind, text) of all that is asked for. ConfigError where one kind is missing: a margin needs both."""
    found = list(TABLES[table]) if table else []
    for given in texts:
        kind, equals, text = given.partition("=")
        if not equals or kind not in KINDS or not text.strip():
            raise ConfigError(f"--opening {given}: expected refuse=TEXT or comply=TEXT")
        found.append((kind, text))
    missing = [kind for kind in KINDS if found and kind not in {known for known, _ in found}]
    if missing:
        raise ConfigError(
            f"--opening: none of the kind {missing[0]}; a margin lies between refusing and complying openings"
        )
    if len(set(found)) < len(found):
        raise ConfigError("--opening: one is given twice")
    return found
