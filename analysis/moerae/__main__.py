"""`python -m moerae COMMAND`: each command is a module with `configure(parser)` and `run(args) -> int`."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from moerae import __version__
from moerae.errors import MoeraeError

# command -> (module, one line of help); modules are imported only when asked for
COMMANDS = {
    "corpus": ("moerae.corpus", "prompt sets -> corpus.h5 (chat template, tokens, clusters, splits)"),
    "harden": (
        "moerae.harden",
        "tune chosen experts and others at one budget; what it did to refusal and routing",
    ),
    "import": ("moerae.imports", "published routing traces -> a run that `moerae reduce` reads"),
    "judge": ("moerae.judge", "replies of `moerae evaluate` -> labels and refusal with intervals"),
    "planted": ("moerae.planted", "make a planted model, its corpus and its measured truth"),
    "reference": ("moerae.reference", "tiny checkpoints and golden routing from transformers"),
    "report": ("moerae.report", "RUN -> self-contained HTML with figures, CSV"),
    "truth": ("moerae.measured_truth", "measured effects of single experts of any model -> truth.json"),
    "suite": ("moerae.suite", "train, record, reduce and score many planted models"),
}


def main(argv: list[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(prog="python -m moerae", description="What surrounds the programs.")
    parser.add_argument("--version", action="version", version=f"moerae {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    chosen = next((word for word in argv if not word.startswith("-")), None)
    for name, (module, text) in COMMANDS.items():
        sub = commands.add_parser(name, help=text, description=text)
        if name == chosen:
            import_module(module).configure(sub)
    args = parser.parse_args(argv)
    try:
        return import_module(COMMANDS[args.command][0]).run(args)
    except MoeraeError as error:
        print(f"moerae: error: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
