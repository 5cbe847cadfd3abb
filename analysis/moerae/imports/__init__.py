"""`python -m moerae import FORMAT`: a routing trace of others becomes prompts of a run that `moerae reduce` reads.

A format is a function (path, label) -> Trace in a module of its own and a row of READERS.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from moerae.errors import ConfigError
from moerae.files.corpus import SET_NAME
from moerae.imports.esft import read_esft
from moerae.imports.write import Source, add_trace

READERS = {"esft": read_esft}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("format", choices=sorted(READERS), help="who published the trace")
    parser.add_argument("--trace", type=Path, required=True, help="the published file, or the folder of its files")
    parser.add_argument("--label", required=True, help="name of the prompt set that the trace becomes")
    parser.add_argument("--run", type=Path, required=True, help="run directory, made or extended", dest="run_dir")
    parser.add_argument("--shard-prompts", type=int, default=64, help="prompts in a shard (default 64)")


def run(args: argparse.Namespace) -> int:
    if args.shard_prompts < 1:
        raise ConfigError(f"--shard-prompts {args.shard_prompts}: a shard needs at least one prompt")
    if not SET_NAME.fullmatch(args.label):
        raise ConfigError(f"--label {args.label!r}: becomes part of file names; use letters, digits and . _ - + only")
    trace = READERS[args.format](args.trace, args.label)
    added = add_trace(args.run_dir, trace, Source(args.format, args.trace, args.label), args.shard_prompts)
    print(f"{args.run_dir}: set {args.label} {'imported' if added else 'is already there, nothing to do'}")
    return 0
