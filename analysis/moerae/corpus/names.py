"""Which words of a file may stand in a message: names of columns and labels, never a prompt in their place."""

from __future__ import annotations

import re
from collections.abc import Iterable

LETTERS, WORDS = 40, 4  # more is a sentence
SENTENCE = re.compile(r"[.?!,;]$|[\r\n]")


def is_name(text: str) -> bool:
    """Whether a text may be the name of a column at all."""
    return text.isprintable() and len(text) <= LETTERS and len(text.split()) <= WORDS and not SENTENCE.search(text)


def shown(names: Iterable[str]) -> str:
    """A list for a message. Names with blanks are counted only: a short prompt looks like one of them."""
    names = sorted(set(names))
    plain = [name for name in names if is_name(name) and len(name.split()) == 1]
    hidden = len(names) - len(plain)
    more = [f"{hidden} not shown (several words, perhaps a prompt)"] if hidden else []
    return ", ".join([*plain, *more]) or "none"
