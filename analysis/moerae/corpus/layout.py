"""What a template writes around what it is given, found by rendering stand-ins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Span = tuple[int, int]

# in private-use characters, which no template writes
USER, THOUGHT, REPLY = ("\ue000moerae-" + name + "\ue001" for name in ("user", "thought", "reply"))
TRIMS: tuple[Callable[[str], str], ...] = (str, str.strip, str.lstrip, str.rstrip)  # what templates do to a text


@dataclass(frozen=True)
class Layout:
    """texts[0], a given text, texts[1], ..., the last given text, texts[-1]."""

    texts: tuple[str, ...]

    @classmethod
    def of(cls, rendered: str, *stand_ins: str) -> Layout | None:
        """None where the template does not write each of them once, in this order."""
        texts = []
        for stand_in in stand_ins:
            before, found, rendered = rendered.partition(stand_in)
            if not found or any(other in before for other in (USER, THOUGHT, REPLY)):
                return None
            texts.append(before)
        return None if any(other in rendered for other in (USER, THOUGHT, REPLY)) else cls((*texts, rendered))

    def find(self, text: str, *given: str) -> list[Span] | None:
        """Where the given texts stand, blanks at their ends aside; None where the text is another than these around
        those."""
        first, *between, last = self.texts
        end = len(text) - len(last)
        if not text.startswith(first) or not text.endswith(last) or end < len(first):
            return None
        return _spans(text, len(first), end, between, given)


def _spans(text: str, at: int, end: int, between: list[str], given: tuple[str, ...]) -> list[Span] | None:
    if not between:
        return [(at, end)] if text[at:end].strip() == given[0].strip() else None
    for shown in dict.fromkeys(trim(given[0]) for trim in TRIMS):
        stop = at + len(shown)
        if text.startswith(shown + between[0], at):
            rest = _spans(text, stop + len(between[0]), end, between[1:], given[1:])
            if rest is not None:
                return [(at, stop), *rest]
    return None
