"""Tokens per second of `moerae record` against transformers on the same prompts, on this processor.

The peer is the fastest of its experts backends and batch sizes found in this run: left-padded batches of the same
prompts in the same order, `output_router_logits=True`, without the LM head (record has none either). Both keep the
routing of every token; record also writes ids, weights and logits to disk. The two run in turn (A B B A ...), and the
matrix rate that this machine reaches in the same minutes is printed beside them: shares of it, not tokens/s, travel
between machines.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from moerae.corpus_file import Prompt, write_corpus
from moerae.hashing import file_hash
from moerae.reference.checkpoints import make_from
from transformers import AutoModel, OlmoeConfig
from transformers.utils import logging

ROOT = Path(__file__).resolve().parents[2]
SUMMARY = re.compile(r"recorded (\d+) prompts, (\d+) tokens in ([\d.]+) s")
BACKENDS = ("eager", "grouped_mm", "batched_mm")
BATCHES = (8, 32, 128)
VOCABULARY = 1024
GATHER_LIMIT = 4 << 30  # batched_mm copies the weights of every (token, expert): beyond this it only swaps


@dataclass(frozen=True)
class Work:
    model: Path
    config: OlmoeConfig
    corpus: Path
    rows: list[np.ndarray]
    dtype: str

    @property
    def tokens(self) -> int:
        return sum(len(row) for row in self.rows)

    @property
    def flops(self) -> float:
        """Of all matrix products with weights, and of causal attention."""
        c = self.config
        weights = 4 * c.hidden_size**2 + c.hidden_size * (
            c.num_experts + 3 * c.num_experts_per_tok * c.intermediate_size
        )
        attention = sum(2 * len(row) ** 2 * c.hidden_size for row in self.rows)
        return c.num_hidden_layers * (2.0 * weights * self.tokens + attention)


def prompts(count: int, seed: int) -> list[np.ndarray]:
    """Lengths as in prompt sets once templated: log-normal, median 40 tokens, a long tail."""
    random = np.random.default_rng(seed)
    lengths = np.clip(random.lognormal(np.log(40), 0.7, count), 8, 768).astype(int)
    return [random.integers(2, VOCABULARY, length) for length in lengths]


def matrix_ceiling(dtype: str, size: int = 2048, seconds: float = 0.5) -> float:
    """FLOP/s of the largest product that the machine does well, best of repeated ones."""
    a, b = (torch.randn(size, size).to(getattr(torch, dtype)) for _ in range(2))
    best, end = np.inf, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        torch.mm(a, b)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


class Peer:
    def __init__(self, work: Work, backend: str, batch: int) -> None:
        self.work, self.backend, self.batch = work, backend, batch
        self.model: torch.nn.Module | None = None

    def load(self) -> None:
        self.model = AutoModel.from_pretrained(
            self.work.model, dtype=getattr(torch, self.work.dtype), experts_implementation=self.backend
        ).eval()

    def seconds(self, rows: list[np.ndarray]) -> float:
        start = time.perf_counter()
        with torch.inference_mode():
            for first in range(0, len(rows), self.batch):
                group = rows[first : first + self.batch]
                longest = max(len(row) for row in group)
                ids = torch.zeros(len(group), longest, dtype=torch.long)
                mask = torch.zeros(len(group), longest, dtype=torch.long)
                for i, row in enumerate(group):
                    ids[i, longest - len(row) :] = torch.from_numpy(row)
                    mask[i, longest - len(row) :] = 1
                output = self.model(ids, attention_mask=mask, use_cache=False, output_router_logits=True)
                assert len(output.router_logits) == self.work.config.num_hidden_layers
        return time.perf_counter() - start


def best_peer(work: Work, sample: int) -> Peer:
    """Tries every backend and batch size on the first prompts; the model of the best one stays loaded."""
    rows = work.rows[:sample]
    tokens = sum(len(row) for row in rows)
    best, best_time = None, np.inf
    c = work.config
    copied = c.num_experts_per_tok * 2 * c.intermediate_size * c.hidden_size * getattr(torch, work.dtype).itemsize
    for backend in BACKENDS:
        peer = Peer(work, backend, 1)
        peer.load()
        for batch in BATCHES:
            padded = max(batch * max(len(row) for row in rows[i : i + batch]) for i in range(0, len(rows), batch))
            if backend == "batched_mm" and padded * copied > GATHER_LIMIT:
                print(f"  peer {backend:10} batch {batch:3}: not run, it would copy {padded * copied / 2**30:.0f} GiB")
                continue
            peer.batch = batch
            peer.seconds(rows[:batch])
            took = peer.seconds(rows)
            print(f"  peer {backend:10} batch {batch:3}: {tokens / took:8.0f} tokens/s")
            if took < best_time:
                best, best_time = Peer(work, backend, batch), took
    best.load()
    best.seconds(rows)
    return best


def record(work: Work, args: argparse.Namespace) -> float:
    """Seconds that record says it computed and wrote, without the loading of the model."""
    with tempfile.TemporaryDirectory(dir=args.folder) as run:
        study = {
            "model.path": work.model,
            "model.dtype": work.dtype,
            "corpus.path": work.corpus,
            "run.dir": Path(run) / "run",
            "grid.expert": args.expert,
            "record.routing": "true",
            "record.logits": "true",
            "record.batch_tokens": args.batch_tokens,
        }
        keys = [word for key, value in study.items() for word in (f"--{key}", str(value))]
        launcher = ["mpirun", "-n", str(args.ranks), "--bind-to", "none"] if args.ranks > 1 else []
        env = os.environ | {"OMP_NUM_THREADS": str(max(1, args.threads // args.ranks))}
        ended = subprocess.run(
            [*launcher, str(args.program), "record", *keys], capture_output=True, text=True, env=env, check=False
        )
    found = SUMMARY.search(ended.stdout + ended.stderr)
    if ended.returncode or not found or int(found[2]) != work.tokens:
        sys.exit(f"record failed (exit {ended.returncode}):\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}")
    return float(found[3])


def compare(work: Work, args: argparse.Namespace) -> None:
    print(f"{work.dtype}: {len(work.rows)} prompts, {work.tokens} tokens, {work.flops / 1e9:.0f} GFLOP")
    peer = best_peer(work, args.sample)
    ours, theirs, ceiling = [], [], []
    for pair in range(args.pairs):
        ceiling.append(matrix_ceiling(work.dtype))
        for side in ("ours", "theirs") if pair % 2 == 0 else ("theirs", "ours"):
            if side == "ours":
                ours.append(record(work, args))
            else:
                theirs.append(peer.seconds(work.rows))
    ratio = np.asarray(theirs) / np.asarray(ours)
    for name, took in (("record", ours), (f"transformers {peer.backend} batch {peer.batch}", theirs)):
        rate, share = work.tokens / np.asarray(took), work.flops / np.asarray(took) / np.asarray(ceiling)
        print(f"  {name:36} {spread(rate, '.0f')} tokens/s, {spread(share, '.3f')} of the matrix ceiling")
    print(f"  {'record / transformers':36} {spread(ratio, '.2f')} x over {args.pairs} pairs")
    print(f"  {'matrix ceiling':36} {spread(np.asarray(ceiling) / 1e9, '.0f')} GFLOP/s")


def spread(values: np.ndarray, form: str) -> str:
    low, high = np.min(values), np.max(values)
    return f"{np.median(values):{form}} ({low:{form}} .. {high:{form}})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--prompts", type=int, default=96)
    parser.add_argument("--sample", type=int, default=48, help="prompts used to choose the peer's backend and batch")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--dtypes", nargs="+", default=["bfloat16", "float32"], choices=["bfloat16", "float32"])
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--expert", type=int, default=1, help="grid.expert")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of both, over all ranks")
    parser.add_argument("--batch-tokens", type=int, default=8192)
    parser.add_argument("--folder", type=Path, help="where the weights and runs are put (1 GB per layer)")
    parser.add_argument("--program", type=Path, default=Path(os.environ.get("MOERAE", ROOT / "build/release/moerae")))
    args = parser.parse_args()
    if not args.program.is_file():
        sys.exit(f"{args.program} is not built; run `bash jobs/setup.sh` first, or give --program")
    torch.set_num_threads(args.threads)
    logging.set_verbosity_error()  # the LM head that the peer leaves out would be reported at every load
    logging.disable_progress_bar()
    config = OlmoeConfig(num_hidden_layers=args.layers, vocab_size=VOCABULARY, intermediate_size=1024, eos_token_id=1)
    rows = prompts(args.prompts, seed=0)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        model = make_from(config, Path(folder) / "model", seed=0, dtype=torch.bfloat16)
        corpus = Path(folder) / "corpus.h5"
        write_corpus(
            corpus,
            [Prompt(row.tolist(), "bench", cluster=i, content=(0, len(row))) for i, row in enumerate(rows)],
            {"tokenizer_hash": file_hash(model / "config.json")},
        )
        print(f"processor: {processor()}, {args.threads} threads; {args.layers} random layers of OLMoE shapes")
        for dtype in args.dtypes:
            compare(Work(model, config, corpus, rows, dtype), args)


def processor() -> str:
    text = Path("/proc/cpuinfo").read_text()
    flags = [flag for flag in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if re.search(rf"\b{flag}\b", text)]
    return f"{re.search(r'model name.*: (.*)', text)[1]} ({flags[0] if flags else 'no vector flags known'})"


if __name__ == "__main__":
    main()
