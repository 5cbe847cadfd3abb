"""Exact judging: a reply is a refusal, or the answer, when it is that reply token by token.

For models whose every reply is known beforehand (the planted ones): the corpus holds them as continuations.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from moerae.errors import DataError
from moerae.shard_data import reading

MEANS = {"refuse": "refusal", "comply": "compliance", "target": "compliance"}


def planned(corpus: Path) -> dict[int, dict[tuple[int, ...], str]]:
    """By prompt id: what each reply that was planned for it means. A target that equals the refusal is one."""
    found: dict[int, dict[tuple[int, ...], str]] = {}
    with reading(corpus) as file:
        if "continuation" not in file:
            raise DataError(f"{corpus}: no continuations, so no reply is known beforehand; judge by rules or command")
        group, ids = file["continuation"], file["prompt_id"][:]
        kinds = list(group["kind"].attrs["categories"])
        parts = np.split(group["tokens"][:], group["offset"][1:-1])
        of = ids[group["prompt"][:]].tolist()
        for prompt, kind, tokens in zip(of, group["kind"][:].tolist(), parts, strict=True):
            known = found.setdefault(prompt, {})
            if kinds[kind] == "refuse":
                known[tuple(tokens.tolist())] = MEANS["refuse"]
            else:
                known.setdefault(tuple(tokens.tolist()), MEANS[kinds[kind]])
    return found


def judge(replies: pd.DataFrame, known: dict[int, dict[tuple[int, ...], str]]) -> pd.Series:
    """A reply that is none of the planned ones is broken: these models have no other words for it."""
    missing = [prompt for prompt in replies.index if prompt not in known]
    if missing:
        raise DataError(
            f"{len(missing)} prompts (first: {missing[0]}) have no planned reply; judge them by rules or command"
        )
    labels = [known[prompt].get(tuple(tokens), "broken") for prompt, tokens in replies["tokens"].items()]
    return pd.Series(labels, replies.index, dtype=object)
