"""One row -> tokens as the model's own template and tokenizer give them, and where text and reply stand in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import xxhash

from moerae.corpus.chat import Chat, Said
from moerae.corpus.markers import Coder
from moerae.corpus.tokenizer import load_tokenizer
from moerae.corpus.unfit import Unfit
from moerae.errors import DataError
from moerae.files.hashing import file_hash

NEUTRALISED = "names of special tokens in the text, tokenised as plain text"
KEPT = "added tokens of the tokenizer in the text that its chat template does not write, kept as they are"
ELSEWHERE = "replies stand where the chat template puts them, which is not behind its generation prompt"

FORGOTTEN = "thoughts of replies that the chat template leaves out"


@dataclass
class Tokenised:
    """Positions are token indices in the row."""

    tokens: list[int]
    content: tuple[int, int]  # tokens that hold at least one character of the user's text
    response: int | None = None
    continuations: list[tuple[str, list[int]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what is worth a word, without text of the row


class Encoder:
    def __init__(self, folder: Path, said: Said) -> None:
        self.folder, self.tokenizer = folder, load_tokenizer(folder)
        self.chat = Chat(self.tokenizer, folder, said)
        self.coder = Coder(self.tokenizer, self.chat.spelled, adds=not self.chat.source)
        self.bos = self._bos()

    @property
    def hashes(self) -> dict[str, str]:
        """XXH3-128 of tokenizer.json and of the chat template; of the file where it is one."""
        template = self.tokenizer.chat_template or ""
        template = template if isinstance(template, str) else json.dumps(template, sort_keys=True)
        parts = {
            "tokenizer_hash": ("tokenizer.json", self.tokenizer.backend_tokenizer.to_str()),
            "chat_template_hash": ("chat_template.jinja", template),
        }
        found = {key: (self.folder / name, text) for key, (name, text) in parts.items()}
        return {
            key: file_hash(file) if file.is_file() else xxhash.xxh3_128_hexdigest(text.encode())
            for key, (file, text) in found.items()
        }

    @property
    def notes(self) -> list[str]:
        """What is to be known of the template."""
        bos = self.tokenizer.bos_token_id
        missing = self.chat.source and self.bos == "none" and bos is not None and bos in self.tokenizer("a").input_ids
        notes = {
            "no chat template was found (chat_template.jinja, tokenizer_config.json, chat_template.json): prompts are "
            "plain text, as for a base model": not self.chat.source,
            f"the chat template writes a date; it is {self.chat.said.today} in every prompt (--date)": self.chat.dated,
            "the chat template writes no BOS, which the tokenizer adds to plain text; prompts have none": missing,
        }
        return [note for note, holds in notes.items() if holds]

    def encode(
        self, prompt: str, response: str | None = None, continuations: Sequence[tuple[str, str]] = ()
    ) -> Tokenised:
        """Tokens of the templated prompt and, where given, of the assistant turn that follows it, and of other turns
        that could."""
        rendering = self.chat.prompt(prompt) if response is None else self.chat.answered(prompt, response)
        coded = self.coder.encode(rendering)
        content = self.coder.span(coded, rendering.text, rendering.prompt)
        if content[0] == content[1]:
            raise Unfit("no token holds the text")
        notes = {NEUTRALISED: coded.neutralised, KEPT: coded.kept}
        row = Tokenised(coded.ids, content)
        if response is not None:
            said = self.coder.span(coded, rendering.text, (rendering.begin, len(rendering.text)))
            row.response = max(said[0], content[1])  # a token that holds both is the prompt's
            row.tokens = coded.ids[: self._end(coded.ids, coded.before(rendering.words[1]))]
            asked = self.chat.generation_prompt
            notes[ELSEWHERE] = not rendering.text.startswith(asked, rendering.prompt[1])
            notes[FORGOTTEN] = rendering.forgets
        row.notes = [note for note, holds in notes.items() if holds]
        for kind, text in continuations:
            try:
                row.continuations.append((kind, self._behind(row, prompt, text)))
            except Unfit as reason:
                row.notes.append(f"{kind if kind == 'target' else 'opening'} left out: {reason}")
        return row

    def _behind(self, row: Tokenised, prompt: str, reply: str) -> list[int]:
        """Tokens that follow the prompt's, up to the last of the reply's words."""
        rendering = self.chat.answered(prompt, reply)
        coded = self.coder.encode(rendering)
        asked = row.tokens[: row.response]
        if coded.ids[: len(asked)] != asked:
            raise Unfit(
                "the chat template does not put it behind the tokens of its generation prompt (an open thought? "
                "--template-option enable_thinking=false closes it in some templates)"
            )
        return coded.ids[len(asked) : coded.before(rendering.words[1])]

    def _end(self, ids: list[int], words: int) -> int:
        """Behind the marker that closes the assistant's turn, or behind the words where none does."""
        ends = (i + 1 for i in range(words, len(ids)) if ids[i] in self.coder.added)
        return next(ends, words)

    def _bos(self) -> str:
        """`template`: rendered by it; `added`: by the tokenizer, to plain text; `none`."""
        bos = self.tokenizer.bos_token_id
        before = (
            self.tokenizer(self.chat.asked.texts[0], add_special_tokens=False).input_ids if self.chat.source else []
        )
        if bos is not None and before[:2] == [bos, bos]:
            raise DataError(
                f"{self.folder}: a templated prompt begins with two BOS tokens (id {bos}), expected one; the model "
                "would see what it never saw in training; repair the chat template"
            )
        if self.chat.source:
            return "template" if bos in before else "none"
        return "added" if bos is not None and bos in self.tokenizer("a").input_ids else "none"
