"""`tune` is autograd through the models of transformers: the loss of every step, the tensors at the end, every family.

`-k qwen3_moe` runs the cases of that family.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import support
import torch
from masking import CASES
from moerae.files.corpus import Prompt, write_corpus
from moerae.reference import checkpoints, golden
from training import Training, initial, train

RATE, TAU, RANK, ALPHA = 0.02, 0.5, 3, 6.0
# relative, of every step; float32 sums in another order, amplified by the steps before
LOSS = 1e-4


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def prompts(pairs: int) -> list[Prompt]:
    """As many to learn as to keep: a step that holds the tokens of all holds each once."""
    random = np.random.default_rng(11)
    made = []
    for i in range(2 * pairs):
        tokens, reply = (random.integers(2, checkpoints.VOCABULARY, n).tolist() for n in (3 + i % 5, 2 + i % 3))
        target = [("target", reply)]
        made.append(Prompt(tokens, ("learn", "keep")[i % 2], i, (0, len(tokens)), split=0, continuations=target))
    return made


def compare(case: str, method: str, steps: int, folder: Path, routing: float = 0.3) -> None:
    model = checkpoints.make(case, folder / "model")
    made = prompts(6)
    write_corpus(folder / "corpus.h5", made, {})
    layers = list(golden.routers(golden.load(model, "float32")))
    chosen = support.expert_set(folder / "set.json", [(layers[-1], 1), (layers[0], 2), (layers[0], 0), (layers[-1], 4)])
    tokens = sum(len(p.tokens) + len(p.continuations[0][1]) - 1 for p in made)
    keys = {
        "set": chosen, "retain_sets": "keep", "retain": 0.6, "routing": routing, "routing_temperature": TAU,
        "method": method, "rank": RANK, "alpha": ALPHA, "batch_tokens": tokens, "pass_tokens": 40,
    }  # fmt: skip
    study = {"model.path": model, "model.dtype": "float32", "corpus.path": folder / "corpus.h5", "grid.expert": 2}
    study |= {f"tune.{key}": value for key, value in keys.items()}
    rate = RATE if method == "lora" else RATE / 10
    for name, more in (
        ("start", {"tune.steps": 1, "tune.learning_rate": 1e-30}),
        ("run", {"tune.steps": steps, "tune.learning_rate": rate}),
    ):
        support.moerae("tune", study | more | {"run.dir": folder / name}, ranks=2)
    training = Training(model, initial(folder / "start/tune/adapter.h5"), ALPHA / RANK)
    want = train(training, made, steps, rate, retain=0.6, routing=routing, tau=TAU)
    with h5py.File(folder / "run/tune/adapter.h5") as file:
        found = file["history/loss"][()]
    apart = np.abs(found / want - 1)
    print(f"{case} {method}: loss {want[0]:.4f} -> {want[-1]:.4f}, at most {apart.max():.1e} apart")
    assert apart.max() < LOSS
    assert want[-1] < want[0] - 0.01
    ours = initial(folder / "run/tune/adapter.h5")
    for expert, values in training.values.items():
        for name, value in values.items():
            # in the mean: AdamW moves an entry whose gradient is rounding as far as any other
            moved, off = (
                float(of.square().mean().sqrt()) for of in (value.detach(), ours[expert][name] - value.detach())
            )
            assert off < 2e-3 * moved, (expert, name)


@pytest.mark.parametrize("family", CASES)
def test_losses_are_those_of_transformers(family: str, tmp_path: Path) -> None:
    compare(CASES[family], "lora", 8, tmp_path)


# one tensor an expert, all in one, and transposed with gate and up in turn
@pytest.mark.parametrize("family", ["qwen3_moe", "granitemoe", "gpt_oss"])
def test_whole_experts_are_trained_as_by_transformers(family: str, tmp_path: Path) -> None:
    compare(CASES[family], "full", 8, tmp_path)


def test_a_hundred_steps_are_those_of_transformers(tmp_path: Path) -> None:
    compare(CASES["qwen3_moe"], "lora", 100, tmp_path)


# experts that stay packed in memory, and weights that are unpacked as they are read: the adapter lies beside both
@pytest.mark.parametrize("case", ["gpt_oss-mxfp4-sharded", "deepseek_v3-fp8-yarn-published"])
def test_packed_experts_are_trained_beside(case: str, tmp_path: Path) -> None:
    compare(case, "lora", 8, tmp_path)
