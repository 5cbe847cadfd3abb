"""`python -m moerae planted`: a small Qwen3-MoE whose safety experts are known, its corpus and its measured truth."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from moerae.errors import ConfigError
from moerae.planted.clusters import CLUSTERS
from moerae.planted.variants import VARIANTS, Variant

FILES = (
    "config.json",
    "tokenizer_config.json",
    "tokenizer.json",
    "chat_template.jinja",
    "model.safetensors",
    "corpus.h5",
    "truth.json",
)


def configure(parser: argparse.ArgumentParser) -> None:
    variants = "; ".join(f"{v.name}: {v.what}" for v in VARIANTS.values())
    parser.add_argument(
        "--out", type=Path, required=True, help="folder to write; files of an earlier model are replaced"
    )
    parser.add_argument("--variant", choices=list(VARIANTS), default="base", help=variants)
    parser.add_argument("--seed", type=int, default=0, help="everything follows from it (default 0)")
    parser.add_argument(
        "--clusters",
        type=int,
        default=CLUSTERS,
        help=f"clusters of the corpus, four prompts each (default {CLUSTERS}, which the truth is always measured on)",
    )
    parser.add_argument(
        "--no-subsets",
        action="store_true",
        help="measure masks of single experts only, not of the 57 subsets of planted ones: a quarter of the time less",
    )
    parser.add_argument("--threads", type=int, default=1, help="torch threads (default 1: the same bits everywhere)")
    parser.add_argument(
        "--random-mask-share",
        type=float,
        help="share of training sequences under a random mask; .15 makes unusually clean models, .03 more usual ones",
    )


def run(args: argparse.Namespace) -> int:
    import torch

    variant = VARIANTS[args.variant]
    if args.random_mask_share is not None:
        if not 0.0 <= args.random_mask_share <= 0.6:
            raise ConfigError(
                f"--random-mask-share {args.random_mask_share}: a share of sequences in 0 ... 0.6 is needed"
            )
        variant = replace(variant, random_mask_share=args.random_mask_share)
    if args.out.exists() and not args.out.is_dir():
        raise ConfigError(f"--out {args.out} is not a folder; the model is several files: give a folder, new or old")
    if args.seed < 0 or args.threads < 1:
        raise ConfigError(f"--seed {args.seed}, --threads {args.threads}: a seed from 0 and threads from 1 are needed")
    if args.clusters < CLUSTERS:
        raise ConfigError(
            f"--clusters {args.clusters}: the truth is measured on the first {CLUSTERS}, so at least as many are needed"
        )
    torch.set_num_threads(args.threads)
    make(args.out, variant, args.seed, args.clusters, not args.no_subsets)
    return 0


def make(out: Path, variant: Variant, seed: int, clusters: int = CLUSTERS, with_subsets: bool = True) -> None:
    """Trains, measures, proves and writes one planted world; raises ProofError and writes nothing when it fails.

    The model and its truth do not depend on `clusters`: a larger corpus begins with the clusters of a smaller one.
    """
    from moerae.planted.bench import Bench
    from moerae.planted.checkpoint import read_checkpoint, write_checkpoint
    from moerae.planted.clusters import draw_rows
    from moerae.planted.corpus import write_planted_corpus
    from moerae.planted.placement import place
    from moerae.planted.proof import require_proof
    from moerae.planted.train import train
    from moerae.planted.truth import measure, subset_effects, truth_document
    from moerae.planted.world import World

    start = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - start:4.0f} s] {text}", flush=True)

    world, placement = World(seed, variant.conjunction), place(variant, seed)
    say(f"planted world {variant.name}, seed {seed}: {variant.what}")
    trained = train(variant, seed, world, placement, say)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
        folder = Path(scratch)
        write_checkpoint(trained, folder)
        model = read_checkpoint(folder, variant)  # the rounded weights are the model
        rows = draw_rows(world, clusters)
        bench = Bench(model, placement, [row for row in rows if row.cluster < CLUSTERS], say)
        measured = measure(bench, world)
        for row in (row for row in measured.conditions if "matched" not in row):
            shares = "  ".join(f"{key} {100 * row[key]['refused']:.1f}" for key in ("regular", "jailbreak"))
            rights = "  ".join(f"{key} {100 * row[key]['right']:.1f}" for key in ("permitted", "lookalike"))
            say(f"mask {row['condition']}: % refused {shares}; % right {rights}")
        if measured.routes:
            say(f"routes: {measured.routes}")
        require_proof(variant, seed, measured.conditions, measured.routes)
        attributes: dict[str, str | int] = {"model_id": f"planted-{variant.name}-{seed}", "seed": seed}
        write_planted_corpus(folder / "corpus.h5", model, rows, attributes)
        document = truth_document(bench, world, measured, subset_effects(bench) if with_subsets else [])
        (folder / "truth.json").write_text(dump(document))
        out.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            os.replace(shutil.copyfile(folder / name, out / f".{name}.tmp"), out / name)
    say(f"wrote {out}")


def dump(document: dict[str, object]) -> str:
    """JSON with one line per entry of each list: readable, and small differences stay small."""
    parts = []
    for key, value in document.items():
        if isinstance(value, list):
            entries = ",\n".join("    " + json.dumps(entry) for entry in value)
            parts.append(f'  "{key}": [\n{entries}\n  ]')
        else:
            parts.append(f'  "{key}": {json.dumps(value)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"
