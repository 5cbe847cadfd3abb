"""Steps of `moerae tune` against transformers with PEFT: same experts, adapters, batch and dtype, on this processor.

The peer adapts the fused expert tensors of the layers (`target_parameters`; PEFT adapts all experts of a tensor, those
that were not chosen get no gradient) and has the fastest of its experts backends found in this run. Prompts are of one
length, so that it needs no padding; the loss is that of the replies on both sides, nothing is retained. The two run in
turn, each in a process of its own whose peak memory is measured. Also: two ranks of one thread against one of two.

Needs peft (`.venv/bin/python -m pip install peft==0.21.2 accelerate psutil`), which no test does.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from moerae.files.corpus import Prompt, write_corpus
from moerae.reference.checkpoints import make_from
from transformers import OlmoeConfig

ROOT = Path(__file__).resolve().parents[2]
SUMMARY = re.compile(r"tuned (\d+) experts in (\d+) steps, ([\d.]+) s")
BACKENDS = ("eager", "grouped_mm")
VOCABULARY, PROMPT, REPLY, RANK = 1024, 48, 17, 8
CHOSEN = 8  # of the two upper layers, four each


def layers(count: int) -> list[int]:
    return [count - 2, count - 1]


def prompts(tokens: int) -> list[Prompt]:
    """As many of one length as a step takes."""
    random = np.random.default_rng(3)
    made = []
    for i in range(max(1, tokens // (PROMPT + REPLY - 1))):
        asked, reply = (random.integers(2, VOCABULARY, n).tolist() for n in (PROMPT, REPLY))
        made.append(Prompt(asked, "learn", i, (0, PROMPT), split=0, continuations=[("target", reply)]))
    return made


def experts(count: int) -> list[tuple[int, int]]:
    return [(layer, expert) for layer in layers(count) for expert in range(CHOSEN // 2)]


def ours(model: Path, folder: Path, tokens: int, dtype: str, steps: int, ranks: int, threads: int) -> dict[str, float]:
    made = prompts(tokens)
    write_corpus(folder / "corpus.h5", made, {})
    chosen = [{"layer": la, "expert": e, "score": -float(i)} for i, (la, e) in enumerate(experts(depth(model)))]
    document = {"schema": "moerae.expert_set/1", "name": "s", "criterion": "c", "model": "m", "provenance": {}}
    (folder / "set.json").write_text(json.dumps(document | {"experts": chosen}))
    batch = len(made) * (PROMPT + REPLY - 1)
    keys = {
        "model.path": model, "model.dtype": dtype, "corpus.path": folder / "corpus.h5",
        "run.dir": folder / f"run-{time.time_ns()}", "tune.set": folder / "set.json", "tune.rank": RANK,
        "tune.steps": steps, "tune.batch_tokens": batch, "tune.pass_tokens": batch, "tune.decay": "constant",
    }  # fmt: skip
    words = [word for key, value in keys.items() for word in (f"--{key}", str(value))]
    launch = ["mpirun", "-n", str(ranks), "--bind-to", "none"] if ranks > 1 else []
    env = os.environ | {"OMP_NUM_THREADS": str(threads)}
    program = Path(os.environ.get("MOERAE", ROOT / "build/release/moerae"))
    ended = subprocess.run([*launch, program, "tune", *words], env=env, capture_output=True, text=True, check=False)
    found = SUMMARY.search(ended.stderr)
    if not found:
        raise SystemExit(ended.stderr)
    return {"seconds": float(found[3]) / int(found[2]), "peak": peak_of_children()}


def depth(model: Path) -> int:
    return int(json.loads((model / "config.json").read_text())["num_hidden_layers"])


def peak_of_children() -> float:
    """GiB, the largest child so far: each measurement is a process of its own."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20


def peer(model: Path, tokens: int, dtype: str, steps: int, backend: str) -> dict[str, float]:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    loaded = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype), experts_implementation=backend)
    names = [
        f"layers.{layer}.mlp.experts.{part}" for layer in layers(depth(model)) for part in ("gate_up_proj", "down_proj")
    ]
    config = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=[], target_parameters=names, lora_dropout=0.0)
    adapted = get_peft_model(loaded, config)
    trained = [p for p in adapted.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0)
    made = prompts(tokens)
    ids = torch.tensor([p.tokens + p.continuations[0][1] for p in made])

    def step() -> None:
        optimiser.zero_grad()
        logits = adapted(ids[:, :-1], use_cache=False).logits[:, PROMPT - 1 :].float()
        torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, PROMPT:].flatten()).backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()

    step()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return {
        "seconds": (time.perf_counter() - start) / steps,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def in_process(words: list[str], threads: int) -> dict[str, float] | None:
    """Of this script itself; none where the peer cannot (a backend without this dtype)."""
    env = os.environ | {"OMP_NUM_THREADS": str(threads)}
    ended = subprocess.run([sys.executable, __file__, *words], env=env, capture_output=True, text=True, check=False)
    if ended.returncode:
        print(f"  {' '.join(words[-2:])}: cannot ({ended.stderr.strip().splitlines()[-1][:160]})")
        return None
    return json.loads(ended.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, nargs="+", default=[1024, 8192])
    parser.add_argument("--dtype", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)  # WHO MODEL TOKENS DTYPE STEPS ...
    args = parser.parse_args()
    if args.one:
        who, model, tokens, dtype, steps, *rest = args.one
        if who == "peer":
            found = peer(Path(model), int(tokens), dtype, int(steps), rest[0])
        else:
            with tempfile.TemporaryDirectory() as folder:
                found = ours(Path(model), Path(folder), int(tokens), dtype, int(steps), int(rest[0]), int(rest[1]))
        print(json.dumps(found))
        return
    threads = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as scratch:
        for dtype in args.dtype:
            config = OlmoeConfig(
                hidden_size=1024, intermediate_size=512, num_hidden_layers=args.layers, num_attention_heads=16,
                num_key_value_heads=16, num_experts=64, num_experts_per_tok=8, vocab_size=VOCABULARY,
            )  # fmt: skip
            model = make_from(config, Path(scratch) / dtype, 1, dtype=getattr(torch, dtype))
            for tokens in args.tokens:
                compare(model, tokens, dtype, args, threads)


def compare(model: Path, tokens: int, dtype: str, args: argparse.Namespace, threads: int) -> None:
    def run(who: str, *rest: object) -> dict[str, float] | None:
        words = ["--one", who, str(model), str(tokens), dtype, str(args.steps), *map(str, rest)]
        return in_process(words, threads)

    mine: list[dict[str, float]] = []
    two: list[dict[str, float]] = []
    theirs: dict[str, list[dict[str, float]]] = {name: [] for name in BACKENDS}
    for _ in range(args.rounds):
        mine += [found for found in (run("ours", 1, threads),) if found]
        for name in BACKENDS:
            theirs[name] += [found for found in (run("peer", name),) if found]
        two += [found for found in (run("ours", 2, max(1, threads // 2)),) if found]
    best = min((min(f["seconds"] for f in of), name) for name, of in theirs.items() if of)
    one = min(f["seconds"] for f in mine)
    print(f"{dtype}, {tokens} tokens a step, {CHOSEN} experts, rank {RANK}, {threads} threads")
    print(f"  moerae      {one:.3f} s a step, {max(f['peak'] for f in mine):.2f} GiB")
    for name, of in theirs.items():
        if of:
            print(
                f"  peft {name:10} {min(f['seconds'] for f in of):.3f} s a step, {max(f['peak'] for f in of):.2f} GiB"
            )
    half, halved = max(1, threads // 2), min(f["seconds"] for f in two)
    print(f"  ratio {best[0] / one:.2f}; 2 ranks x {half}: {one / halved:.2f} of 1 x {threads}")


if __name__ == "__main__":
    main()
