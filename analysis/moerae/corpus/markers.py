"""Text in which a template's markers stand -> tokens. A marker is what the template wrote; what a user wrote is text,
whatever it spells.

Where a user's text spells a marker, the whole is tokenised by a twin of the tokenizer that knows the markers under
other names, which only the template's own are given: one pass, so that nothing is tokenised apart.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from moerae.corpus.chat import Rendering
from moerae.corpus.layout import Span
from moerae.corpus.unfit import Unfit

OPEN = "\ue000"  # begins the other name of a marker


@dataclass(frozen=True)
class Coded:
    ids: list[int]
    characters: list[Span]  # of each token; empty for what the tokenizer adds of its own accord
    neutralised: bool = False  # the text spells markers; they became plain text
    kept: bool = False  # the text holds added tokens that are no markers

    def before(self, character: int) -> int:
        """Number of tokens up to the last that begins before a character."""
        return max((i + 1 for i, (a, b) in enumerate(self.characters) if a < character and a < b), default=0)


class Coder:
    """`spelled`: all that the template can write. `adds`: the tokenizer may add its BOS and EOS."""

    def __init__(self, tokenizer: Any, spelled: str, adds: bool) -> None:  # noqa: ANN401
        self.tokenizer, self.adds = tokenizer, adds
        added = {i: token for i, token in tokenizer.added_tokens_decoder.items() if token.content.strip()}
        self.added = {i: token.content for i, token in added.items()}
        control = tokenizer.chat_control_tokens or ()
        # whatever its flag says, an added token that the template writes is a marker, unless it is a word
        self.markers = {
            i: token.content
            for i, token in added.items()
            if token.special or token.content in control or _writes(spelled, token.content)
        }

    def encode(self, rendering: Rendering) -> Coded:
        coded = self.tokenizer(rendering.text, add_special_tokens=self.adds, return_offsets_mapping=True, verbose=False)
        whole = Coded(coded.input_ids, coded.offset_mapping)
        typed = self._typed(whole, rendering)
        if self.markers.keys() & typed:
            return self._apart(rendering)
        return Coded(whole.ids, whole.characters, kept=bool(typed))

    def span(self, coded: Coded, text: str, of: Span) -> Span:
        """The tokens that hold at least one of these characters; a marker that swallowed blanks is none of them."""
        inside = [
            i
            for i, (token, (a, b)) in enumerate(zip(coded.ids, coded.characters, strict=True))
            if a < of[1] and b > of[0] and a < b and (token not in self.added or _shared(text, (a, b), of))
        ]
        return (inside[0], inside[-1] + 1) if inside else (0, 0)

    def _typed(self, coded: Coded, rendering: Rendering) -> set[int]:
        """Added tokens in what the template did not write; unknown characters also become one."""
        return {
            token
            for token, characters in zip(coded.ids, coded.characters, strict=True)
            if token in self.added and any(_shared(rendering.text, characters, part) for part in rendering.data)
            if token != self._unknown or self.added[token] in rendering.text[slice(*characters)]
        }

    def _apart(self, rendering: Rendering) -> Coded:
        text, origin = self._renamed(rendering)
        twin, back = self._twin
        coded = twin.encode(text, add_special_tokens=self.adds)
        ids = [back.get(token, token) for token in coded.ids]
        characters = [(origin[a], origin[b]) for a, b in coded.offsets]
        apart = Coded(ids, characters, neutralised=True)
        if self.markers.keys() & self._typed(apart, rendering):
            raise Unfit("the text spells a marker that this tokenizer cannot keep apart")
        return apart

    def _renamed(self, rendering: Rendering) -> tuple[str, list[int]]:
        """The text with other names for the template's markers, and where each of its characters comes from."""
        if any(OPEN in rendering.text[a:b] for a, b in rendering.data):
            raise Unfit("the text spells a marker, and holds the private-use character that would keep it apart")
        names = {content: _name(token) for token, content in self.markers.items()}
        pattern = re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))))
        edges = [0, *(edge for part in rendering.data for edge in part), len(rendering.text)]
        text, origin = "", []
        for part, (begin, end) in enumerate(pairwise(edges)):
            here = begin
            for match in pattern.finditer(rendering.text, begin, end) if part % 2 == 0 else ():
                name = names[match.group()]
                text += rendering.text[here : match.start()] + name
                origin += [*range(here, match.start()), *[match.start()] * len(name)]
                here = match.end()
            text += rendering.text[here:end]
            origin += range(here, end)
        return text, [*origin, len(rendering.text)]

    @property
    def _state(self) -> dict:
        return json.loads(self.tokenizer.backend_tokenizer.to_str()) | {"truncation": None, "padding": None}

    @cached_property
    def _unknown(self) -> int | None:
        """What the model makes of characters that it does not know."""
        model = self._state["model"]
        name = model.get("unk_token")
        return model.get("unk_id") if name is None else model["vocab"].get(name)

    @cached_property
    def _twin(self) -> tuple[Any, dict[int, int]]:
        """The tokenizer with renamed markers, and the ids of its added tokens there -> their ids."""
        from tokenizers import Tokenizer

        state = self._state
        names = {content: _name(token) for token, content in self.markers.items()}
        for token in state["added_tokens"]:
            token["content"] = names.get(token["content"], token["content"])
        _rename(state["model"], names)
        twin = Tokenizer.from_str(json.dumps(state))
        return twin, {twin.token_to_id(token["content"]): token["id"] for token in state["added_tokens"]}


def _rename(model: dict, names: dict[str, str]) -> None:
    """So that the model makes no marker of plain text: its own entries of that name are renamed, merges to them go."""
    vocabulary = model["vocab"]
    if isinstance(vocabulary, dict):
        model["vocab"] = {names.get(piece, piece): token for piece, token in vocabulary.items()}
    else:
        model["vocab"] = [[names.get(piece, piece), score] for piece, score in vocabulary]
    if model.get("unk_token"):
        model["unk_token"] = names.get(model["unk_token"], model["unk_token"])
    if model.get("merges"):
        parts = [(merge, merge.split(" ") if isinstance(merge, str) else merge) for merge in model["merges"]]
        model["merges"] = [merge for merge, pair in parts if names.keys().isdisjoint([*pair, "".join(pair)])]


def _writes(spelled: str, content: str) -> bool:
    """A marker or its partner: a template that opens thoughts need not close them."""
    partner = content.replace("</", "<", 1) if content.startswith("</") else content.replace("<", "</", 1)
    word = all(character.isalnum() or character.isspace() for character in content)
    return not word and (content in spelled or partner in spelled)


def _name(token: int) -> str:
    return f"{OPEN}{token}\ue001"


def _shared(text: str, characters: Span, part: Span) -> bool:
    """Whether they share more than blanks."""
    return bool(text[max(characters[0], part[0]) : min(characters[1], part[1])].strip())
