"""A model's chat template applied to one prompt, with or without the assistant's words.

Where a row does not come out as the layout of stand-ins it is Unfit. Without a template the text stands alone, as for a
base model.
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

from moerae.corpus.layout import REPLY, THOUGHT, USER, Layout, Span
from moerae.corpus.unfit import Unfit
from moerae.errors import ConfigError, DataError

PLAIN_BREAK = "\n"  # between prompt and reply where there is no template
ROW = "(the text)"  # what stands in a message for a row's text
OPENS, CLOSES = "<think>", "</think>"  # a thought within a reply, as reasoning models say it


@dataclass(frozen=True)
class Rendering:
    """Positions are characters of `text`."""

    text: str
    data: tuple[Span, ...]  # what the template did not write: the prompt, a thought, the assistant's words
    begin: int  # of what the model is to say: the words, or before them what the template puts before them
    forgets: bool = False  # the template left the thought of the reply out

    @property
    def prompt(self) -> Span:
        return self.data[0]

    @property
    def words(self) -> Span:
        return self.data[-1]


@dataclass(frozen=True)
class Said:
    """What a user tells the template."""

    options: Mapping[str, Any]
    today: date
    system: str | None = None


class Chat:
    def __init__(self, tokenizer: Any, folder: Path, said: Said) -> None:  # noqa: ANN401
        self.tokenizer, self.folder, self.said = tokenizer, folder, said
        self.source = _source(tokenizer, folder, said.options)
        self.dated = False  # whether the template asked for the date
        self.asked = self._asked()
        if said.system is not None and said.system.strip() not in self.asked.texts[0]:
            why = "the chat template does not write it" if self.source else "no chat template was found"
            raise ConfigError(f"{folder}: there is no place for a system turn (--system): {why}")

    @property
    def generation_prompt(self) -> str:
        """What stands behind the user's text where the model is to answer."""
        return self.asked.texts[-1]

    @property
    def spelled(self) -> str:
        """All that the template can write of its own: its source and what it makes of stand-ins."""
        replies = self._answered.texts if isinstance(self._answered, Layout) else ()
        return "\n".join([self.source, *self.asked.texts, *replies])

    def prompt(self, prompt: str) -> Rendering:
        """The prompt and what asks the model to answer."""
        text = self._row(prompt)
        spans = self.asked.find(text, prompt)
        if spans is None:
            raise Unfit("the chat template alters the text")
        return Rendering(text, tuple(spans), len(text))

    def answered(self, prompt: str, reply: str) -> Rendering:
        """The prompt and the reply where the template puts an assistant's words, thoughts where it puts thoughts."""
        if isinstance(self._answered, Unfit):
            raise self._answered
        text = self._row(prompt, reply)
        spans, forgets = self._placed(text, prompt, reply)
        if spans is None:
            raise Unfit("the chat template alters the text or the reply (--no-responses leaves replies out)")
        end = spans[0][1]
        begin = end + len(self.generation_prompt) if text.startswith(self.generation_prompt, end) else spans[1][0]
        return Rendering(text, tuple(spans), begin, forgets)

    def _placed(self, text: str, prompt: str, reply: str) -> tuple[list[Span] | None, bool]:
        """Where they stand, and whether the template leaves a thought of the reply out. The marks of a thought are not
        text, whoever wrote them: the model says them."""
        thought, closed, words = reply.rpartition(CLOSES)
        if closed and self._thoughtful is not None:
            spans = self._thoughtful.find(text, prompt, thought.lstrip().removeprefix(OPENS), words)
            if spans is not None:
                return spans, False
        spans = self._answered.find(text, prompt, reply)
        if spans is not None or not closed:
            return spans, False
        return self._answered.find(text, prompt, words), True

    def _asked(self) -> Layout:
        try:
            layout = Layout.of(self._render(USER), USER)
        except Exception as error:  # templates raise whatever Jinja and their authors like
            raise DataError(
                f"{self.folder}: the chat template fails ({type(error).__name__}: {_reason(error)}); prompts cannot be "
                "put to the model as it was trained; give it a system turn with --system, or what else it wants with "
                "--template-option"
            ) from None
        if layout is None:
            raise DataError(f"{self.folder}: the chat template does not render the user's text once, unchanged")
        return layout

    @cached_property  # only corpora with replies need a template that renders them
    def _answered(self) -> Layout | Unfit:
        """Around prompt and reply; or why there is no such thing."""
        try:
            layout = Layout.of(self._render(USER, REPLY), USER, REPLY)
        except Exception as error:
            return Unfit(f"the chat template takes no reply ({_reason(error)}; --no-responses leaves replies out)")
        return layout or Unfit("the chat template does not render replies unchanged (--no-responses leaves them out)")

    @cached_property
    def _thoughtful(self) -> Layout | None:
        """Around prompt, thought and reply; None where the template writes no thoughts."""
        try:
            return Layout.of(self._render(USER, f"{OPENS}{THOUGHT}{CLOSES}{REPLY}"), USER, THOUGHT, REPLY)
        except Exception:  # a template that refuses thoughts refuses the row too, which names the reason
            return None

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
        turns = [] if self.said.system is None else [{"role": "system", "content": self.said.system}]
        turns.append({"role": "user", "content": prompt})
        if reply is not None:
            turns.append({"role": "assistant", "content": reply})
        with self._date_pinned():
            return self.tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=reply is None, **self.said.options
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
                return datetime.combine(chat.said.today, datetime.min.time(), tz)

        chat_template_utils.datetime = Clock
        try:
            yield
        finally:
            chat_template_utils.datetime = datetime


def _reason(error: Exception) -> str:
    """Of a rendering of stand-ins."""
    return str(error).replace(USER, ROW).replace(REPLY, ROW)


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
