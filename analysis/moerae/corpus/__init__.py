"""`python -m moerae corpus`: prompt sets -> corpus.h5, through the tokenizer and the chat template of one model.

Clusters: prompts with the same text (up to case, spacing, Unicode composition), with the same value of a cluster column
or with the same number of a goal in one published set (JailbreakBench's Index) are one cluster, across sets and files.
A cluster id is the smallest of the 63-bit hashes of what joins it, so it depends neither on order nor on unrelated
rows, and the split of a prompt stays what it is when a corpus grows, unless the new rows join its cluster.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from textwrap import fill

import xxhash

from moerae import __version__
from moerae.corpus.chat import Said
from moerae.corpus.clusters import cluster_ids, stable_id
from moerae.corpus.columns import parse_user_map
from moerae.corpus.encode import Encoder
from moerae.corpus.gather import Account, gather
from moerae.corpus.openings import TABLES, parse_openings
from moerae.corpus.row import Row
from moerae.corpus.rows import KINDS
from moerae.corpus.sets import FIELDS, KNOWN
from moerae.corpus.specs import parse_set
from moerae.corpus.summary import print_summary
from moerae.corpus.text import known_encoding
from moerae.corpus.unfit import Unfit
from moerae.errors import ConfigError, DataError
from moerae.files.corpus import Prompt, write_corpus
from moerae.files.lfs import refuse_pointer
from moerae.files.publish import publishing

FALLBACK_TOKENS = 32768  # where config.json gives no max_position_embeddings
DATE = "2025-01-01"

EXAMPLES = """
prompt sets known by their columns:
{known}
fields for --columns: {fields}

examples
  one file, two sets by label:
    python -m moerae corpus --model DIR --out corpus.h5 --set unsafe=xstest_prompts.csv:label=unsafe \\
        --set safe=xstest_prompts.csv:label=safe
  pairs (JailbreakBench, joined by Index):
    python -m moerae corpus --model DIR --out corpus.h5 --set harmful=harmful-behaviors.csv \\
        --set benign=benign-behaviors.csv
  a file of one's own:
    python -m moerae corpus --model DIR --out corpus.h5 --set mine=mine.csv --columns mine:prompt=question,topic=area
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    known = fill(", ".join(dict.fromkeys(k.name for k in KNOWN)), 100, initial_indent="  ", subsequent_indent="  ")
    parser.epilog = EXAMPLES.format(known=known, fields=", ".join(FIELDS))
    add = parser.add_argument
    add("--model", type=Path, required=True, help="checkpoint folder: tokenizer, chat template, config.json")
    add(
        "--out",
        type=Path,
        required=True,
        help="corpus.h5 to write ; dropped rows go to OUT.dropped.csv",
    )
    add("--set", action="append", required=True, dest="sets", metavar="NAME=FILE[:COLUMN=VALUE,...]",
        help=f"rows of a file ({KINDS}) that make the set NAME; VALUE|VALUE and != too; "
        "repeat for more sets, or to fill a set from several files")  # fmt: skip
    add("--columns", action="append", default=[], metavar="[SET:]FIELD=COLUMN,...",
        help="columns of a file that is not known, or other columns than the known ones")  # fmt: skip
    add("--encoding", metavar="NAME",
        help="of the files that are not in UTF-8, 16 or 32, for example cp1252 (exports of spreadsheets)")  # fmt: skip
    add("--cluster-column", metavar="COLUMN", help="prompts with one value here come from one goal")
    add("--max-tokens", type=int, help="drop longer rows (default: max_position_embeddings of the model)")
    add("--template-option", action="append", default=[], metavar="KEY=JSON",
        help="passed to the chat template, for example enable_thinking=false")  # fmt: skip
    add("--system", metavar="TEXT", help="a system turn before every prompt")
    add("--date", default=DATE, metavar="YYYY-MM-DD",
        help=f"the day that a chat template writes which asks for it (default {DATE}, so that corpora do not change "
        "with the day)")  # fmt: skip
    add("--openings", choices=list(TABLES),
        help="openings of refusing and of complying replies behind every prompt, for `moerae attribute`")  # fmt: skip
    add("--opening", action="append", default=[], metavar="KIND=TEXT",
        help="an opening of one's own, refuse=TEXT or comply=TEXT; repeat")  # fmt: skip
    add("--no-responses", action="store_true", help="leave replies of the file out")
    add("--keep-text", action="store_true", help="store the text beside the tokens")


def run(args: argparse.Namespace) -> int:
    specs = [parse_set(text) for text in args.sets]
    given: dict[str | None, dict[str, str]] = {}
    for name, columns in map(parse_user_map, args.columns):
        if name is not None and name not in {spec.name for spec in specs}:
            raise ConfigError(f"--columns {name}:...: no --set has this name")
        given.setdefault(name, {}).update(columns)
    if args.cluster_column:
        given.setdefault(None, {})["cluster"] = args.cluster_column
    account = Account()
    limit = args.max_tokens if args.max_tokens is not None else _positions(args.model, account)
    if limit < 1:
        raise ConfigError(f"--max-tokens {limit}: a prompt has at least one token")
    openings = parse_openings(args.openings, args.opening)
    encoder = Encoder(args.model, Said(_options(args.template_option), _day(args.date), args.system))
    encoding = known_encoding(args.encoding) if args.encoding else None
    rows = gather(specs, given, account, responses=not args.no_responses, encoding=encoding)
    prompts = _tokenise(rows, encoder, openings, limit, account, args.keep_text)
    _check_sets(specs, prompts, account)
    attributes = {
        "origin": "corpus",
        "model_id": args.model.resolve().name,
        **encoder.hashes,
        "bos": encoder.bos,
        "template_options": json.dumps(encoder.chat.said.options, sort_keys=True),
        "system": args.system or "",
        "template_date": args.date if encoder.chat.dated else "",
        "openings": json.dumps(openings),
        "max_tokens": limit,
        "sources": json.dumps(account.sources),
        "dropped": json.dumps(account.reasons()),
        "version": __version__,
        "command_line": json.dumps(["python", "-m", "moerae", *sys.argv[1:]]),
    }
    write_corpus(args.out, prompts, attributes, keep_text=args.keep_text)
    dropped = args.out.with_name(args.out.name + ".dropped.csv")
    with publishing(dropped) as temporary, open(temporary, "w", newline="") as handle:
        csv.writer(handle).writerows([("source", "row", "set", "reason"), *account.dropped])
    print_summary(args.out, dropped, prompts, account, encoder.notes)
    return 0


def _tokenise(
    rows: list[Row],
    encoder: Encoder,
    openings: list[tuple[str, str]],
    limit: int,
    account: Account,
    keep_text: bool,
) -> list[Prompt]:
    prompts = []
    for row, cluster in zip(rows, cluster_ids([row.keys for row in rows]), strict=True):
        try:
            targets = [] if row.target is None else [("target", row.target)]
            coded = encoder.encode(row.text, row.response, [*targets, *openings])
            if len(coded.tokens) > limit:
                raise Unfit(f"more than {limit} tokens")
        except Unfit as reason:
            account.drop(row, str(reason))
            continue
        account.notes.update(coded.notes)
        prompts.append(
            Prompt(
                coded.tokens,
                row.set,
                cluster,
                coded.content,
                coded.response,
                **row.labels,
                pair=-1 if row.pair is None else stable_id(row.pair),
                text=row.text if keep_text else None,
                source=row.source,
                source_row=row.number,
                text_hash=xxhash.xxh3_64_intdigest(row.text.encode()),
                continuations=coded.continuations,
            )
        )
    return prompts


def _check_sets(specs: list, prompts: list[Prompt], account: Account) -> None:
    present = {prompt.set for prompt in prompts}
    for name in dict.fromkeys(spec.name for spec in specs):
        if name not in present:
            reasons = Counter(reason for *_, set_, reason in account.dropped if set_ == name)
            why = ", ".join(f"{reason}: {n}" for reason, n in reasons.items())
            raise DataError(f"set {name}: no prompt is left ({why}); an empty set is no study; nothing was written")


def _positions(model: Path, account: Account) -> int:
    path = model / "config.json"
    try:
        refuse_pointer(path)
        config = json.loads(path.read_text())
        text = config.get("text_config") or {}  # of multimodal models
        found = config.get("max_position_embeddings") or text.get("max_position_embeddings")
    except FileNotFoundError:
        found = None
    except (ValueError, AttributeError, TypeError) as error:
        raise DataError(f"{path}: not a model configuration ({type(error).__name__})") from None
    if found is None:
        account.files.append(f"config.json names no max_position_embeddings; {FALLBACK_TOKENS} is taken (--max-tokens)")
    return int(found or FALLBACK_TOKENS)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--date {text}: expected a day as YYYY-MM-DD") from None


def _options(texts: list[str]) -> dict[str, object]:
    options: dict[str, object] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        try:
            options[key] = json.loads(value)
        except ValueError:
            equals = ""
        if not equals or not key.isidentifier():
            raise ConfigError(f"--template-option {text}: expected KEY=JSON, for example enable_thinking=false")
    return options
