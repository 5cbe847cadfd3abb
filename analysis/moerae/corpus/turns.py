"""The cell that holds the prompt -> its text, and the reply where the cell is a whole conversation."""

from __future__ import annotations

import json
import re

from moerae.corpus.unfit import Unfit

ROLES = {"user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant", "model": "assistant"}
ROLE, CONTENT = ("role", "from"), ("content", "value", "text")  # keys of a turn: OpenAI's, ShareGPT's
WRITTEN_OUT = re.compile(r"""\s*\[\s*\{\s*['"](role|from|content|value)['"]\s*:""")  # a conversation as a text


def read_turns(value: object) -> tuple[str, str | None]:
    """Prompt and reply. Unfit where the cell is no text or more than one exchange, which one row cannot hold."""
    if isinstance(value, str):
        return _conversation(_parsed(value)) if WRITTEN_OUT.match(value) else (value, None)
    if value is None:
        return "", None
    if isinstance(value, list):
        return _conversation(value)
    raise Unfit("prompt is not text")


def _parsed(text: str) -> list:
    try:
        return json.loads(text)
    except ValueError:
        raise Unfit("a conversation that is not JSON") from None


def _conversation(turns: list) -> tuple[str, str | None]:
    if all(isinstance(turn, str) for turn in turns):  # what the user says, turn by turn
        said = [("user", turn) for turn in turns]
    else:
        said = [_turn(turn) for turn in turns]
    roles = [role for role, _ in said]
    if roles not in (["user"], ["user", "assistant"]):
        raise Unfit("a conversation that is not one prompt with at most one reply")
    reply = said[1][1] if len(said) == 2 else ""
    return said[0][1], reply if reply.strip() else None


def _turn(turn: object) -> tuple[str, str]:
    if not isinstance(turn, dict):
        raise Unfit("prompt is not text")
    role = next((turn[key] for key in ROLE if key in turn), None)
    content = next((turn[key] for key in CONTENT if key in turn), None)
    if isinstance(content, list):  # parts of a multimodal turn
        content = content[0].get("text") if len(content) == 1 and isinstance(content[0], dict) else None
    if not isinstance(content, str) or not isinstance(role, str):
        raise Unfit("a turn of the conversation has no text or no role")
    return ROLES.get(role, role), content
