"""Judges replies: refusal, partial, compliance, broken, other or unparseable.

Of a run (`python -m moerae judge RUN --judge ...`): CONDITION/labels.h5 beside the replies of every condition, then
evaluate/summary.csv. Of JSON lines (`--replies IN.jsonl --out OUT.jsonl`): the same lines with a label.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import xxhash

from moerae.errors import ConfigError, DataError
from moerae.files.labels import read_labels, write_labels
from moerae.files.publish import publishing
from moerae.files.replies import Condition, conditions, remove_replies
from moerae.judge import address, command, exact, rules
from moerae.reader import open_run
from moerae.refusal.judge_error import Confusion
from moerae.refusal.summary import write_summaries

JUDGES = {
    "exact": "the reply is one of those that the corpus holds for its prompt (planted models)",
    "rules": "English phrases of refusal, frozen",
    "command": "your own: --command is given JSON lines and answers them",
    "address": "a model behind an OpenAI-compatible --address, asked with your --prompt",
}


@dataclass(frozen=True)
class TextJudge:
    hash: str  # of what the verdicts depend on: labels of different judges are not compared
    labels: Callable[[list[dict[str, str]]], list[str]]


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "run", nargs="?", type=Path, metavar="RUN", help="run directory with replies of `moerae evaluate`"
    )
    parser.add_argument(
        "--judge", choices=JUDGES, required=True, help="; ".join(f"{k}: {v}" for k, v in JUDGES.items())
    )
    parser.add_argument(
        "--command", dest="program", metavar="CMD", help='reads {"id", "prompt", "reply"} lines, writes {"id", "label"}'
    )
    parser.add_argument("--address", metavar="URL", help=f"<URL>/chat/completions is asked; key in ${address.KEY}")
    parser.add_argument("--model", metavar="NAME", help="of the judging model behind --address")
    parser.add_argument("--prompt", type=Path, metavar="FILE", help="what it is asked, with {prompt} and {reply}")
    parser.add_argument(
        "--timeout", type=float, metavar="S", help="seconds that the command may take for one condition"
    )
    parser.add_argument(
        "--tokenizer", type=Path, metavar="DIR", help="that replies are read with (default: model.path)"
    )
    parser.add_argument(
        "--confusion",
        metavar="FOUND/REFUSED,PASSED/ANSWERED",
        help="of how many refusals, by people's labels, the judge found how many, and of how many other replies it let "
        "pass how many; rates are then also given without its errors (default of rules: XSTest, odd ids)",
    )
    parser.add_argument("--replies", type=Path, metavar="IN.jsonl", help="judge these lines in place of a run")
    parser.add_argument("--out", type=Path, metavar="OUT.jsonl", help="where they are written with their label")


def run(args: argparse.Namespace) -> int:
    if (args.judge == "command") != bool(args.program):
        raise ConfigError("--judge command and --command CMD go together")
    given = [args.address, args.model, args.prompt]
    if (args.judge == "address") != all(given) or (args.judge != "address" and any(given)):
        raise ConfigError(
            "--judge address needs --address URL, --model NAME and --prompt FILE, and no other judge does"
        )
    if args.replies:
        return judge_lines(args)
    if args.run is None:
        raise ConfigError("give a run directory, or --replies IN.jsonl --out OUT.jsonl")
    return judge_run(args)


def judge_lines(args: argparse.Namespace) -> int:
    if args.out is None or args.judge == "exact":
        raise ConfigError("--replies needs --out OUT.jsonl and a judge of texts: rules, command or address")
    lines = []
    for number, text in enumerate(args.replies.read_text(encoding="utf-8").splitlines(), 1):
        try:
            line = json.loads(text)
            lines.append({key: str(line[key]) for key in ("id", "prompt", "reply")} | {"line": line})
        except (ValueError, KeyError, TypeError):
            raise DataError(
                f'{args.replies}: line {number} is not {{"id": ..., "prompt": ..., "reply": ...}}'
            ) from None
    texts = [{key: line[key] for key in ("id", "prompt", "reply")} for line in lines]
    labels = judge_of(args, args.out.parent).labels(texts)
    with publishing(args.out) as temporary:
        rows = [line["line"] | {"label": label} for line, label in zip(lines, labels, strict=True)]
        temporary.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    print(pd.Series(labels).value_counts().to_string())
    return 0


def judge_of(args: argparse.Namespace, folder: Path) -> TextJudge:
    """The judge of texts that was asked for. `folder`: where the answers of a model are kept, so that none is asked for
    twice."""
    if args.judge == "rules":
        return TextJudge(rules.rules_hash(), lambda lines: [rules.judge(line["reply"]) for line in lines])
    if args.judge == "command":
        identity = xxhash.xxh3_64_hexdigest(args.program.encode())
        return TextJudge(identity, lambda lines: command.judge(args.program, lines, args.timeout))
    try:
        model = address.Judge(args.address, args.model, args.prompt.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"--prompt {args.prompt}: cannot be read ({error})") from None
    return TextJudge(model.hash, lambda lines: model(lines, folder / f"judge-{model.hash[:8]}.jsonl"))


def confusion_of(args: argparse.Namespace) -> str:
    """How often the judge errs, where that is known; of the exact one nothing is to be corrected."""
    if args.confusion is not None:
        if args.judge == "exact":
            raise ConfigError("--confusion: the exact judge does not err")
        return str(Confusion.parse(args.confusion))
    return str(rules.CONFUSION) if args.judge == "rules" else ""


def judge_run(args: argparse.Namespace) -> int:
    every = conditions(args.run)
    found = [condition for condition in every if not condition.removed]
    confusion = confusion_of(args)
    in_words = args.judge != "exact" or any(condition.keep == "text" for condition in found)
    texts = Texts(args, every[0]) if in_words else None
    if args.judge == "exact":
        known, identity = exact.planned(args.run / "corpus.h5"), "exact"
        judged = [exact.judge(condition.replies, known) for condition in found]
    else:
        judge = judge_of(args, args.run)
        identity = judge.hash
        judged = (
            pd.Series(judge.labels(texts.lines(condition)), condition.replies.index, dtype=object)
            for condition in found
        )
    for condition in every:
        if condition.removed and read_labels(condition.folder).attrs["judge_hash"] != identity:
            condition.require_replies()
    for condition, labels in zip(found, judged, strict=True):
        about = {"judge": args.judge, "judge_hash": identity, "confusion": confusion}
        said = [line["reply"] for line in texts.lines(condition)] if condition.keep == "text" else None
        write_labels(args.run, condition.folder, labels, about, said)
    for path in write_summaries(args.run):
        print(path)
    # last, so that a judging that fails on the way can be repeated
    for condition in found:
        if condition.keep == "labels":
            remove_replies(args.run, condition)
    return 0


class Texts:
    """Prompts and replies in words, by the tokenizer of the model."""

    def __init__(self, args: argparse.Namespace, condition: Condition) -> None:
        from transformers import AutoTokenizer

        folder = args.tokenizer or Path(condition.config["model"]["path"])
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(folder)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{folder}: no tokenizer ({error}); name its folder with --tokenizer") from None
        self.run = open_run(args.run)
        self.asked: dict[int, str] = {}  # every condition answers the same prompts

    def lines(self, condition: Condition) -> list[dict[str, str]]:
        """The user's words and the reply without the template's markers."""
        out = []
        for prompt, tokens in condition.replies["tokens"].items():
            if prompt not in self.asked:
                row = self.run.corpus.loc[prompt]
                self.asked[prompt] = self.words(self.run.tokens(prompt)[row["content_begin"] : row["content_end"]])
            out.append({"id": str(prompt), "prompt": self.asked[prompt], "reply": self.words(tokens)})
        return out

    def words(self, tokens: Sequence[int]) -> str:
        return self.tokenizer.decode(tokens, skip_special_tokens=True)
