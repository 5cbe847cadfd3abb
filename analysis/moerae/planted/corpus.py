"""corpus.h5 of a planted world: templated prompts followed by the model's own greedy replies."""

from __future__ import annotations

from pathlib import Path

from moerae.files.corpus import Prompt, write_corpus
from moerae.files.hashing import file_hash
from moerae.planted import world as w
from moerae.planted.clusters import Row
from moerae.planted.measure import greedy
from moerae.planted.model import PlantedModel


def row_prompt(row: Row, reply: list[int]) -> Prompt:
    asked, goal = row.asked, row.asked.goal
    prompt = asked.tokens
    refuse, comply = w.refusal_of(goal.topic), w.reply_to(goal.action, goal.obj)
    return Prompt(
        tokens=prompt + reply,
        set=asked.set,
        cluster=row.cluster,
        content=(1, len(prompt) - 1),  # between <bos> and <sep>
        response=len(prompt),
        topic=w.TOPICS[goal.topic],
        domain=w.domain_of(goal.topic),
        wrapper=asked.wrapper or "none",
        label=goal.kind,
        pair=row.cluster,
        text=" ".join(asked.words),
        # target: what a model ought to say, wrapped or not
        continuations=[("target", refuse if asked.forbidden else comply), ("refuse", refuse), ("comply", comply)],
    )


def write_planted_corpus(path: Path, model: PlantedModel, rows: list[Row], attributes: dict[str, str | int]) -> None:
    replies = greedy(model, [row.asked.tokens for row in rows])
    prompts = [row_prompt(row, reply) for row, reply in zip(rows, replies, strict=True)]
    folder = path.parent
    hashes = {
        "weights_hash": file_hash(folder / "model.safetensors"),
        "tokenizer_hash": file_hash(folder / "tokenizer.json"),
        "chat_template_hash": file_hash(folder / "chat_template.jinja"),
    }
    write_corpus(path, prompts, {**attributes, **hashes}, keep_text=True)
