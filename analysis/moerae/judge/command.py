"""A judge of the user's: a command that reads JSON lines {"id", "prompt", "reply"} and answers {"id", "label"}."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Sequence

from moerae.errors import ConfigError, DataError
from moerae.files.labels import LABELS

Line = dict[str, str]


def judge(command: str, lines: Sequence[Line], timeout: float | None = None) -> list[str]:
    """The label of every line, in order. An answer that is no label is `unparseable`; a judge that fails, hangs or
    leaves lines out is a DataError, for rates over the rest would be of other prompts."""
    text = "".join(json.dumps(line) + "\n" for line in lines)
    try:
        ran = subprocess.run(
            shlex.split(command), input=text, capture_output=True, text=True, timeout=timeout, check=False
        )
    except (OSError, ValueError) as error:
        raise ConfigError(f"the judge '{command}' cannot be started: {error}") from None
    except subprocess.TimeoutExpired:
        raise DataError(f"the judge '{command}' has not answered within {timeout:g} s; nothing was written") from None
    if ran.returncode != 0:
        last = ran.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise DataError(f"the judge '{command}' failed with exit code {ran.returncode}: {last[0]}")
    found = answers(command, ran.stdout)
    missing = [line["id"] for line in lines if line["id"] not in found]
    if missing:
        raise DataError(
            f"the judge '{command}' left out {len(missing)} of {len(lines)} replies (first: id {missing[0]}); "
            "it must answer every line that it is given"
        )
    return [found[line["id"]] for line in lines]


def answers(command: str, text: str) -> dict[str, str]:
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        try:
            answer = json.loads(line)
            label = answer["label"]
            found[str(answer["id"])] = label if label in LABELS else "unparseable"
        except (ValueError, KeyError, TypeError):
            raise DataError(
                f'the judge \'{command}\': line {number} of its output is not {{"id": ..., "label": ...}}'
            ) from None
    return found
