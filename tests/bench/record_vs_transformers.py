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
from itertools import product
from pathlib import Path

import numpy as np
import torch
from moerae.files.corpus import Prompt, write_corpus
from moerae.files.hashing import file_hash
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

    def flops(self, expert_layers: int) -> float:
        """Of all matrix products with weights, and of causal attention; experts in so many of the layers."""
        c = self.config
        chosen = c.num_experts_per_tok * 3 * c.intermediate_size * c.hidden_size
        weights = c.num_hidden_layers * (4 * c.hidden_size**2 + c.num_experts * c.hidden_size) + expert_layers * chosen
        attention = c.num_hidden_layers * sum(2 * len(row) ** 2 * c.hidden_size for row in self.rows)
        return 2.0 * weights * self.tokens + attention


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
    """transformers with one of its experts backends and one batch size; all of a work share the model."""

    def __init__(self, work: Work, model: torch.nn.Module, backend: str, batch: int) -> None:
        self.work, self.model, self.backend, self.batch = work, model, backend, batch

    def copies(self, rows: list[np.ndarray]) -> int:
        """Bytes of weights that batched_mm gathers at once, one copy for every (token, expert)."""
        c = self.work.config
        each = c.num_experts_per_tok * 2 * c.intermediate_size * c.hidden_size * self.model.dtype.itemsize
        groups = (rows[i : i + self.batch] for i in range(0, len(rows), self.batch))
        return each * max(len(group) * max(len(row) for row in group) for group in groups)

    def seconds(self, rows: list[np.ndarray]) -> float:
        self.model.set_experts_implementation(self.backend)
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


def best_peer(work: Work, sample: int, rounds: int = 3) -> Peer:
    """The fastest backend and batch size on the first prompts. All are tried in every round, and the best round of each
    counts: on a shared machine one bad moment would otherwise choose the wrong peer.
    """
    rows = work.rows[:sample]
    model = AutoModel.from_pretrained(work.model, dtype=getattr(torch, work.dtype)).eval()
    peers = []
    for backend, batch in product(BACKENDS, BATCHES):
        peer = Peer(work, model, backend, batch)
        if backend == "batched_mm" and peer.copies(rows) > GATHER_LIMIT:
            print(f"  peer {backend:10} batch {batch:3}: not run, it would copy {peer.copies(rows) / 2**30:.0f} GiB")
        else:
            peers.append(peer)
    took = np.min([[peer.seconds(rows) for peer in peers] for _ in range(rounds)], axis=0)
    for peer, best in zip(peers, took, strict=True):
        print(f"  peer {peer.backend:10} batch {peer.batch:3}: {sum(map(len, rows)) / best:8.0f} tokens/s")
    return peers[int(np.argmin(took))]


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
            "record.logits": "all",
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
    layers = work.config.num_hidden_layers
    flops = {"ours": work.flops(layers - 1), "theirs": work.flops(layers)}  # no routing needs the last layer's experts
    print(f"{work.dtype}: {len(work.rows)} prompts, {work.tokens} tokens", end="; ")
    print(f"record computes {flops['ours'] / 1e9:.0f} GFLOP, transformers {flops['theirs'] / 1e9:.0f}")
    peer = best_peer(work, args.sample)
    ours, theirs, ceiling = [], [], []
    for pair in range(args.pairs):
        ceiling.append(matrix_ceiling(work.dtype))
        for side in ("ours", "theirs") if pair % 2 == 0 else ("theirs", "ours"):
            if side == "ours":
                ours.append(record(work, args))
            else:
                theirs.append(peer.seconds(work.rows))
    ours, theirs, ceiling = (np.asarray(values) for values in (ours, theirs, ceiling))
    peer_name = f"transformers {peer.backend} batch {peer.batch}"
    for name, took, work_done in (("record", ours, flops["ours"]), (peer_name, theirs, flops["theirs"])):
        share = work_done / took / ceiling
        print(f"  {name:36} {spread(work.tokens / took, '.0f')} tokens/s, {spread(share, '.3f')} of the matrix ceiling")
    equal_work = theirs / ours * flops["ours"] / flops["theirs"]
    print(f"  {'record / transformers':36} {spread(theirs / ours, '.2f')} x over {args.pairs} pairs")
    print(f"  {'per operation':36} {spread(equal_work, '.2f')} x: what is left in a model of many layers")
    print(f"  {'matrix ceiling':36} {spread(ceiling / 1e9, '.0f')} GFLOP/s")


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
