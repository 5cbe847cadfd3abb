"""A model's chat template applied to one prompt, with or without the assistant's words.

What is around the words is found by rendering stand-ins; where a row does not come out as stand-ins between the same
texts it is Unfit. Without a template the text stands alone, as for a base model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from moerae.corpus.unfit import Unfit
from moerae.errors import ConfigError, DataError

USER, REPLY = "\ue000moerae-user\ue001", "\ue000moerae-reply\ue001"  # private-use characters: no template writes them
PLAIN_BREAK = "\n"  # between prompt and reply where there is no template
ROW = "(the text)"  # what stands in a message for a row's text

Span = tuple[int, int]


@dataclass(frozen=True)
class Rendering:
    """Positions are characters of `text`."""

    text: str
    prompt: Span
    reply: Span | None = None  # the assistant's words
    begin: int = 0  # of what the model is to say: the words, or before them what the template puts before them

    @property
    def data(self) -> list[Span]:
        """What the template did not write."""
        return [self.prompt] if self.reply is None else [self.prompt, self.reply]


class Chat:
    def __init__(self, tokenizer: Any, folder: Path, options: Mapping[str, Any], today: date) -> None:  # noqa: ANN401
        self.tokenizer, self.folder, self.options, self.today = tokenizer, folder, dict(options), today
        self.source = _source(tokenizer, folder, self.options)
        self.dated = False  # whether the template asked for the date
        self.before, self.after = self._around_prompt()

    @property
    def spelled(self) -> str:
        """All that the template can write of its own: its source and what it makes of stand-ins."""
        replies = [] if isinstance(self._around_reply, Unfit) else self._around_reply
        return "\n".join([self.source, self.before, self.after, *replies])

    def prompt(self, prompt: str) -> Rendering:
        """The prompt and what asks the model to answer."""
        text = self._row(prompt)
        begin, end = len(self.before), len(text) - len(self.after)
        whole = text.startswith(self.before) and text.endswith(self.after) and begin <= end
        if not whole or text[begin:end].strip() != prompt.strip():
            raise Unfit("the chat template alters the text")
        return Rendering(text, (begin, end), begin=len(text))

    def answered(self, prompt: str, reply: str) -> Rendering:
        """The prompt and the reply where the template puts an assistant's words."""
        if isinstance(self._around_reply, Unfit):
            raise self._around_reply
        before, between, after = self._around_reply
        text = self._row(prompt, reply)
        if text.startswith(before) and text.endswith(after):
            for shown in dict.fromkeys((prompt, prompt.strip(), prompt.lstrip(), prompt.rstrip())):
                end = len(before) + len(shown)
                words = end + len(between), len(text) - len(after)
                if text.startswith(shown + between, len(before)) and text[slice(*words)].strip() == reply.strip():
                    asked = len(self.after) if between.startswith(self.after) else len(between)
                    return Rendering(text, (len(before), end), words, begin=end + asked)
        raise Unfit("the chat template alters the text or the reply (--no-responses leaves replies out)")

    def _around_prompt(self) -> tuple[str, str]:
        try:
            before, found, after = self._render(USER).partition(USER)
        except Exception as error:  # templates raise whatever Jinja and their authors like
            reason = str(error).replace(USER, ROW)
            raise DataError(
                f"{self.folder}: the chat template fails ({type(error).__name__}: {reason}); prompts cannot be put to "
                "the model as it was trained; pass what it needs with --template-option"
            ) from None
        if not found or USER in after:
            raise DataError(f"{self.folder}: the chat template does not render the user's text once, unchanged")
        return before, after

    @cached_property  # only corpora with replies need a template that renders them
    def _around_reply(self) -> tuple[str, str, str] | Unfit:
        """Before the prompt, between prompt and reply, behind the reply; or why there is no such thing."""
        try:
            before, asked, rest = self._render(USER, REPLY).partition(USER)
        except Exception as error:
            reason = str(error).replace(USER, ROW).replace(REPLY, ROW)
            return Unfit(f"the chat template takes no reply ({reason}; --no-responses leaves replies out)")
        between, answered, after = rest.partition(REPLY)
        if not asked or not answered or REPLY in after or USER in rest:
            return Unfit("the chat template does not render replies unchanged (--no-responses leaves them out)")
        return before, between, after

    def _row(self, prompt: str, reply: str | None = None) -> str:
        try:
            return self._render(prompt, reply)
        except Exception as error:
            reason = str(error)  # shown where the template's author wrote it: it may also quote the row
            said = f": {reason}" if reason and reason in self.source else ""
            raise Unfit(f"the chat template refuses the row ({type(error).__name__}{said})") from None

    def _render(self, prompt: str, reply: str | None = None) -> str:
        if not self.source:
            return prompt if reply is None else f"{prompt}{PLAIN_BREAK}{reply}"
        turns = [{"role": "user", "content": prompt}]
        if reply is not None:
            turns.append({"role": "assistant", "content": reply})
        with self._date_pinned():
            return self.tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=reply is None, **self.options
            )

    @contextmanager
    def _date_pinned(self) -> Iterator[None]:
        """Templates ask `strftime_now`, which asks this name of a module; so a corpus is the same on every day."""
        from transformers.utils import chat_template_utils

        chat = self

        class Clock(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:  # noqa: ANN401 - as datetime has it
                chat.dated = True
                return datetime.combine(chat.today, datetime.min.time(), tz)

        chat_template_utils.datetime = Clock
        try:
            yield
        finally:
            chat_template_utils.datetime = datetime


def _source(tokenizer: Any, folder: Path, options: Mapping[str, Any]) -> str:  # noqa: ANN401
    """Jinja text of the template; empty where there is none."""
    templates, wanted = tokenizer.chat_template, options.get("chat_template")
    if not isinstance(templates, dict):
        return wanted or templates or ""
    name = "default" if wanted is None else wanted
    if name not in templates:
        raise ConfigError(
            f"{folder}: it has several chat templates ({', '.join(sorted(templates))}) and none is "
            f"{'the default' if wanted is None else wanted}; choose one: "
            f"--template-option 'chat_template={json.dumps(min(templates))}'"
        )
    return templates[name]
