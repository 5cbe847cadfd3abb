"""Golden values from transformers: what every router decided on a corpus, and tiny checkpoints to ask them on."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moerae.errors import ConfigError

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--model", type=Path, help="checkpoint folder whose routing is wanted")
    what.add_argument(
        "--tiny",
        metavar="CASE",
        help="write the tiny random checkpoint of this case instead; a family or 'all': those of all its cases, each "
        "in a folder of its own ('list' lists). With --corpus also their golden values, golden.h5 in the folder",
    )
    parser.add_argument("--corpus", type=Path, help="corpus.h5 whose rows are passed through the model")
    parser.add_argument("--out", type=Path, help="golden.h5 to write (with --tiny: the checkpoint folder)")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--prompts", type=int, help="only the first N rows of the corpus")
    parser.add_argument("--final", action="store_true", help="also keep the final hidden state and the LM logits")


def run(args: argparse.Namespace) -> int:
    from moerae.reference import checkpoints, golden  # torch takes seconds to import

    if args.tiny == "list":
        print("\n".join(f"{name}  ({case.family})" for name, case in checkpoints.CASES.items()))
        return 0
    if args.out is None or (args.model and args.corpus is None):
        raise ConfigError("reference needs --out, and with --model also --corpus; add them")
    rows = golden.corpus_rows(args.corpus, args.prompts) if args.corpus else []
    if args.model:
        golden_of(args, args.model, rows, args.out)
        return 0
    names = checkpoints.named(args.tiny)
    for name in names:
        folder = args.out if args.tiny == name else args.out / name
        checkpoints.make(name, folder)
        if args.corpus:
            golden_of(args, folder, rows, folder / "golden.h5")
    return 0


def golden_of(args: argparse.Namespace, model: Path, rows: list[NDArray[np.int64]], out: Path) -> None:
    from moerae.files.golden import write_golden
    from moerae.reference import golden

    routing = golden.record(model, rows, args.dtype, final=args.final)
    write_golden(out, routing, {"model": str(model), "corpus": str(args.corpus), "dtype": args.dtype})
    print(f"{out}: {len(rows)} prompts, {routing.offset[-1]} tokens, {len(routing.layer)} MoE layers")
