"""A model's tokenizer and chat template applied to prompts.

Prompt text is data: what looks like template syntax or a special token in it stays text, and no message shows it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import xxhash

from moerae.errors import ConfigError, DataError
from moerae.files.hashing import file_hash

# stand-ins for prompt and reply, in private-use characters: what is around them in a rendering is the template
USER, REPLY = "\ue000moerae-user\ue001", "\ue000moerae-reply\ue001"


class Unfit(Exception):
    """Why one row cannot be tokenised."""


@dataclass
class Tokenised:
    """Positions are token indices in the row."""

    tokens: list[int]
    content: tuple[int, int]  # tokens that hold at least one character of the user's text
    response: int | None = None
    target: list[int] = field(default_factory=list)
    as_text: bool = False  # special-token strings in the prompt were kept as text


class Template:
    def __init__(self, folder: Path, options: Mapping[str, Any] | None = None) -> None:
        self.folder, self.options = folder, dict(options or {})
        self.tokenizer = _load(folder)
        specials = [t.content for t in self.tokenizer.added_tokens_decoder.values() if t.special]
        self.specials = [text for text in specials if text.strip()]
        self.special_ids = {i for i, t in self.tokenizer.added_tokens_decoder.items() if t.special}
        self.chat = bool(self.tokenizer.chat_template)
        self.prefix, self.suffix = self._around_user()
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

    def encode(self, prompt: str, response: str | None = None, target: str | None = None) -> Tokenised:
        """Tokens of the templated prompt and, where given, of the assistant turn that follows it."""
        text = self._render(prompt)
        begin, end = self._span(text, prompt)
        marked = self._has_special(text[begin:end])
        ids, content = self._pieces(text, begin, end) if marked else self._whole(text, begin, end)
        if self.bos == "added":
            ids, content = [self.tokenizer.bos_token_id, *ids], (content[0] + 1, content[1] + 1)
        self._check_bos(ids)
        if content[0] == content[1]:
            raise Unfit("no token holds the text")
        row = Tokenised(ids, content, as_text=marked)
        if target is not None:
            row.target = self._continue(text, ids, target)
        if response is not None:
            row.response = len(ids)
            row.tokens = ids + self._continue(text, ids, self._reply(prompt, response, text)) + self.tail[1]
        return row

    def _render(self, prompt: str, reply: str | None = None) -> str:
        if not self.chat:
            return prompt if reply is None else f"{prompt}\n{reply}"
        turns = [{"role": "user", "content": prompt}]
        if reply is not None:
            turns.append({"role": "assistant", "content": reply})
        try:
            return self.tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=reply is None, **self.options
            )
        except Exception as error:  # templates raise whatever Jinja and their authors like
            raise DataError(
                f"{self.folder}: the chat template fails ({type(error).__name__}); prompts cannot be put "
                "to the model as it was trained; check it with "
                "tokenizer.apply_chat_template, or pass what it needs with --template-option"
            ) from None

    def _around_user(self) -> tuple[str, str]:
        before, found, after = self._render(USER).partition(USER)
        if not found or USER in after:
            raise DataError(f"{self.folder}: the chat template does not render the user's text once, unchanged")
        return before, after

    @cached_property  # only corpora with replies need a template that renders them
    def tail(self) -> tuple[str, list[int]]:
        """What closes the assistant turn, as text and as the tokens up to and including the end token."""
        _, found, after = self._render(USER, REPLY).rpartition(REPLY)
        if not found:
            raise DataError(f"{self.folder}: the chat template does not render the assistant's text unchanged")
        ids = self._ids(after)
        ends = [i for i, token in enumerate(ids) if token in self.special_ids]
        return after, ids[: ends[0] + 1] if ends else []

    def _bos(self) -> str:
        """`template`: rendered by it; `added`: by us, the tokenizer having one of its own accord; `none`."""
        bos = self.tokenizer.bos_token_id
        if bos is None:
            return "none"
        if bos in self._ids(self.prefix):
            return "template"
        adds = bos in self.tokenizer("a").input_ids
        return "added" if adds or not self.chat else "none"

    def _check_bos(self, ids: list[int]) -> None:
        bos = self.tokenizer.bos_token_id
        # some models use one token as BOS and as the end of every turn; then only its place can be checked
        wrong = self.bos != "none" and (ids[0] != bos or (ids.count(bos) != 1 and bos != self.tokenizer.eos_token_id))
        if wrong:
            raise DataError(
                f"{self.folder}: a templated prompt has {ids.count(bos)} BOS tokens (id {bos}), expected exactly "
                "one, at its start; the model would see what it never saw in training; repair the chat "
                "template or the tokenizer"
            )

    def _span(self, text: str, prompt: str) -> tuple[int, int]:
        begin, end = len(self.prefix), len(text) - len(self.suffix)
        whole = text.startswith(self.prefix) and text.endswith(self.suffix) and begin <= end
        if not whole or text[begin:end].strip() != prompt.strip():
            raise Unfit("the chat template alters the text")
        return begin, end

    def _reply(self, prompt: str, response: str, text: str) -> str:
        full = self._render(prompt, response)
        end = len(full) - len(self.tail[0])
        if not full.startswith(text) and self.chat:
            raise Unfit("the chat template renders the reply differently from its generation prompt")
        if not full.endswith(self.tail[0]) or not full[:end].endswith(response.strip()):
            raise Unfit("the chat template alters the reply")
        return full[len(text) : end]

    def _has_special(self, text: str) -> bool:
        return any(special in text for special in self.specials)

    def _ids(self, text: str, as_text: bool = False) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False, split_special_tokens=as_text, verbose=False).input_ids

    def _whole(self, text: str, begin: int, end: int) -> tuple[list[int], tuple[int, int]]:
        coded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        inside = [i for i, (a, b) in enumerate(coded.offset_mapping) if a < end and b > begin and b > a]
        return coded.input_ids, (inside[0], inside[-1] + 1) if inside else (0, 0)

    def _pieces(self, text: str, begin: int, end: int) -> tuple[list[int], tuple[int, int]]:
        before, after = self._ids(text[:begin]), self._ids(text[end:])
        middle = self._ids(text[begin:end], as_text=True)
        return before + middle + after, (len(before), len(before) + len(middle))

    def _continue(self, text: str, ids: list[int], more: str) -> list[int]:
        """Tokens of `more` behind those of `text`: cut from the whole where the prompt's tokens come out the same."""
        if not self._has_special(text[len(self.prefix) : len(text) - len(self.suffix)] + more):
            whole = self._ids(text + more)
            bare = ids[1:] if self.bos == "added" else ids
            if whole[: len(bare)] == bare:
                return whole[len(bare) :]
        return self._ids(more, as_text=True)


def _load(folder: Path) -> Any:  # noqa: ANN401 - transformers has no common type for what it returns
    from transformers import AutoTokenizer

    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; --model wants a checkpoint in Hugging Face format")
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except Exception as error:
        raise DataError(f"{folder}: transformers cannot load its tokenizer ({type(error).__name__}: {error})") from None
    if not tokenizer.is_fast:
        raise ConfigError(
            f"{folder}: only a slow tokenizer; finding the user's text needs the offsets of a fast one; save "
            "the tokenizer as tokenizer.json first"
        )
    return tokenizer
