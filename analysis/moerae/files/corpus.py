"""corpus.h5, one row per prompt: written here, read here and by the program."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import xxhash

from moerae.errors import DataError
from moerae.files.hdf5 import reading
from moerae.files.publish import publishing

SCHEMA = "moerae.corpus/1"
SPLITS = ("discovery", "validation", "test")
LABELS = ("set", "topic", "domain", "wrapper", "label", "source")
REQUIRED = LABELS[:-1]  # `source` stands in the file only where a prompt has one
SET_NAME = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9._+-]*")  # becomes part of file names and of conditions
CONTINUATIONS = ("target", "refuse", "comply")


@dataclass
class Prompt:
    """One prompt with an optional response. Positions are counted in tokens from the start of the row."""

    tokens: Sequence[int]
    set: str
    cluster: int
    content: tuple[int, int]  # first and past-the-end token of the user's text, template excluded
    response: int | None = None  # first token of the response; None where there is none
    topic: str | None = None
    domain: str | None = None
    wrapper: str | None = None
    label: str | None = None
    pair: int = -1
    split: int | None = None  # None: by hash of the cluster
    text: str | None = None
    source: str | None = None  # name of the file the row came from
    source_row: int = -1  # its data row there, from 1
    text_hash: int = 0  # XXH3-64 of the text in UTF-8
    continuations: list[tuple[str, list[int]]] = field(default_factory=list)  # kind, tokens of a reply to teacher-force


def split_of(cluster: int, seed: int = 0) -> int:
    """50 % discovery, 25 % validation, 25 % test by hash of the cluster: a cluster never straddles splits."""
    bucket = xxhash.xxh3_64_intdigest(f"{seed}:{cluster}".encode()) % 4
    return (0, 0, 1, 2)[bucket]


def write_corpus(
    path: Path,
    prompts: list[Prompt],
    attributes: dict[str, str | int],
    keep_text: bool = False,
    keep_tokens: bool = True,
) -> None:
    """Writes one corpus atomically. `attributes` become root attributes (tokenizer hash, sources, ...).

    Without tokens (imported traces) the file has offsets, so that lengths are known, but no dataset `tokens`.
    """
    if not prompts:
        raise DataError(f"{path}: a corpus without prompts cannot be studied; check the sources and their filters")
    lengths = np.array([len(p.tokens) for p in prompts], np.int64)
    if (lengths == 0).any():
        raise DataError(f"{path}: prompt {int(np.argmin(lengths))} has no tokens; every prompt needs at least one")
    offset = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    starts = offset[:-1]
    response = [n if p.response is None else p.response for p, n in zip(prompts, lengths, strict=True)]
    kinds = [
        (i, kind, tokens)
        for i, p in enumerate(prompts)
        for kind, tokens in sorted(p.continuations, key=lambda reply: CONTINUATIONS.index(reply[0]))
    ]
    with publishing(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs.update({"schema": SCHEMA, "schema_version": 1, **attributes, "complete": 1})
        file["prompt_id"] = np.arange(len(prompts), dtype=np.uint64)
        if keep_tokens:
            file["tokens"] = np.concatenate([np.asarray(p.tokens, np.uint32) for p in prompts])
        file["offset"] = offset
        file["response_offset"] = starts + np.asarray(response, np.int64)
        file["content_offset"] = starts[:, None] + np.asarray([p.content for p in prompts], np.int64)
        sourced = any(p.source is not None for p in prompts)
        if sourced:
            file["source_row"] = np.asarray([p.source_row for p in prompts], np.int64)
            file["text_hash"] = np.asarray([p.text_hash for p in prompts], np.uint64)
        for name in LABELS if sourced else REQUIRED:
            values = [getattr(p, name) for p in prompts]
            categories = sorted({value for value in values if value is not None})
            code = {value: i for i, value in enumerate(categories)}
            file[name] = np.asarray([code.get(value, -1) for value in values], np.int32)
            file[name].attrs.create("categories", categories, dtype=h5py.string_dtype())
        file["cluster"] = np.asarray([p.cluster for p in prompts], np.int64)
        file["pair"] = np.asarray([p.pair for p in prompts], np.int64)
        file["split"] = np.asarray([split_of(p.cluster) if p.split is None else p.split for p in prompts], np.uint8)
        file["split"].attrs.create("categories", SPLITS, dtype=h5py.string_dtype())
        if kinds:
            group = file.create_group("continuation")
            group["tokens"] = np.concatenate([np.asarray(tokens, np.uint32) for _, _, tokens in kinds])
            sizes = [len(tokens) for _, _, tokens in kinds]
            group["offset"] = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
            group["prompt"] = np.asarray([i for i, _, _ in kinds], np.int64)
            group["kind"] = np.asarray([CONTINUATIONS.index(kind) for _, kind, _ in kinds], np.int32)
            group["kind"].attrs.create("categories", CONTINUATIONS, dtype=h5py.string_dtype())
        if keep_text:
            file.create_dataset("text", data=[p.text or "" for p in prompts], dtype=h5py.string_dtype())


def read_corpus(path: Path) -> pd.DataFrame:
    """One row per prompt, index prompt_id: labels as text (None unknown), cluster, pair, split, tokens, content and
    response as positions from the start of the prompt."""
    with reading(path) as file:
        offset = file["offset"][:]
        frame = pd.DataFrame({"tokens": np.diff(offset)}, index=pd.Index(file["prompt_id"][:], name="prompt_id"))
        for name in (label for label in LABELS if label in file):
            names = np.array([*file[name].attrs["categories"], None], object)
            frame[name] = pd.Series(names[file[name][:]], frame.index, dtype=object)
        frame["split"] = np.array(SPLITS, object)[file["split"][:]]
        for name in ("cluster", "pair", "source_row"):
            if name in file:
                frame[name] = file[name][:]
        frame["content_begin"], frame["content_end"] = (file["content_offset"][:] - offset[:-1, None]).T
        frame["response_begin"] = file["response_offset"][:] - offset[:-1]
    if not frame.index.is_unique:
        raise DataError(f"{path}: prompt ids are not unique; prepare the corpus anew")
    return frame


def read_tokens(path: Path, rows: slice = slice(None)) -> list[np.ndarray]:
    """Token ids uint32 [T] of some prompts, by row; imported traces have none."""
    with reading(path) as file:
        begin, end, _ = rows.indices(len(file["prompt_id"]))
        offset = file["offset"][begin : end + 1]
        tokens = file["tokens"][offset[0] : offset[-1]]
    return [tokens[a:b] for a, b in pairwise(offset - offset[0])]


def read_continuations(path: Path) -> list[tuple[int, str, list[int]]]:
    """(prompt_id, kind, tokens) of every reply that is to be teacher-forced; empty where the corpus has none."""
    with reading(path) as file:
        if "continuation" not in file:
            return []
        group = file["continuation"]
        prompts = file["prompt_id"][:][group["prompt"][:]].tolist()
        names = list(group["kind"].attrs["categories"])
        kinds = [names[code] for code in group["kind"][:]]
        parts = np.split(group["tokens"][:], group["offset"][1:-1])
    return list(zip(prompts, kinds, (part.tolist() for part in parts), strict=True))


def read_prompts(path: Path) -> list[Prompt]:
    """As they were written, so that they can be written again; without token ids, `tokens` is a range."""
    frame, continuations = read_corpus(path), read_continuations(path)
    with reading(path) as file:
        has_tokens = "tokens" in file
        hashes = file["text_hash"][:].tolist() if "text_hash" in file else [0] * len(frame)
        texts = file["text"].asstr()[:].tolist() if "text" in file else [""] * len(frame)
    tokens = [part.tolist() for part in read_tokens(path)] if has_tokens else [range(n) for n in frame["tokens"]]
    prompts = [
        Prompt(
            row_tokens,
            cluster=row["cluster"],
            content=(row["content_begin"], row["content_end"]),
            response=row["response_begin"] if row["response_begin"] < row["tokens"] else None,
            pair=row["pair"],
            split=SPLITS.index(row["split"]),
            text=text or None,
            source_row=row.get("source_row", -1),
            text_hash=text_hash,
            **{name: row.get(name) for name in LABELS},
        )
        for row, row_tokens, text, text_hash in zip(frame.to_dict("records"), tokens, texts, hashes, strict=True)
    ]
    for prompt_id, kind, reply in continuations:
        prompts[frame.index.get_loc(prompt_id)].continuations.append((kind, reply))
    return prompts
