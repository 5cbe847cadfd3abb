"""Golden values from transformers: what every router decided on a corpus, and tiny checkpoints to ask them on."""

from __future__ import annotations

import argparse
from pathlib import Path

from moerae.errors import ConfigError

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--model", type=Path, help="checkpoint folder whose routing is wanted")
    what.add_argument(
        "--tiny", metavar="CASE", help="write a tiny random checkpoint of this case instead ('list' lists)"
    )
    parser.add_argument("--corpus", type=Path, help="corpus.h5 whose rows are passed through the model")
    parser.add_argument("--out", type=Path, help="golden.h5 to write (with --tiny: the checkpoint folder)")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--prompts", type=int, help="only the first N rows of the corpus")
    parser.add_argument("--final", action="store_true", help="also keep the final hidden state and the LM logits")


def run(args: argparse.Namespace) -> int:
    from moerae.reference import checkpoints, golden  # torch takes seconds to import

    if args.tiny == "list":
        print("\n".join(checkpoints.CASES))
        return 0
    if args.out is None or (args.model and args.corpus is None):
        raise ConfigError("reference needs --out, and with --model also --corpus; add them")
    if args.tiny:
        checkpoints.make(args.tiny, args.out)
        return 0
    rows = golden.corpus_rows(args.corpus, args.prompts)
    routing = golden.record(args.model, rows, args.dtype, final=args.final)
    golden.write(args.out, routing, {"model": str(args.model), "corpus": str(args.corpus), "dtype": args.dtype})
    print(f"{args.out}: {len(rows)} prompts, {routing.offset[-1]} tokens, {len(routing.layer)} MoE layers")
    return 0
