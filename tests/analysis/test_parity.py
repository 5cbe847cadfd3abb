"""The decoder of the programs decides as transformers does: every token, every layer, on every grid.

`-k deepseek_v2` runs the cases of that family, `-k mxfp4` those whose name has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import parity
import pytest
import support
import torch
from moerae.files.golden import Golden
from moerae.reference import checkpoints, golden

LENGTHS = [1, 2, 3, 7, 33, 64, 96, 1, 50, 17, 5]  # several batches of 128; single tokens; no multiple of anything
GRIDS = [(1, 1), (1, 2), (2, 2)]  # data x expert
MORE_GRIDS = [(2, 1), (1, 4)]
ON_MORE_GRIDS = (
    "qwen3-head-dim",
    "olmoe-clip-grouped-sharded",
    "deepseek_v3-fp8-yarn-published",
    "gpt_oss-mxfp4-sharded",
)
PLANTED = support.ROOT / "data/planted/base"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "corpus.h5"
    return support.random_corpus(path, LENGTHS, checkpoints.VOCABULARY)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """On matrices this small a second thread of torch only waits, the longer the busier the machine is."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("case", checkpoints.CASES, ids=[f"{c.family}:{name}" for name, c in checkpoints.CASES.items()])
def test_float32_on_every_grid(case: str, corpus: Path, tmp_path: Path) -> None:
    model = checkpoints.make(case, tmp_path / "model")
    want = golden.record(model, golden.corpus_rows(corpus))
    assert_worth_comparing(want)
    for data, expert in [*GRIDS, *(MORE_GRIDS if case in ON_MORE_GRIDS else [])]:
        run = tmp_path / f"{data}x{expert}"
        support.moerae("record", support.recording(model, corpus, run, expert), ranks=data * expert)
        worst = parity.assert_equal(want, run, lambda: golden.record(model, golden.corpus_rows(corpus), "float64"))
        print(f"{case} {data}x{expert}:", {name: f"{value:.1e}" for name, value in worst.items()})
        parity.assert_usage(run, corpus)


def assert_worth_comparing(want: Golden) -> None:
    """A model whose routing hardly varies would agree with anything; near ties would excuse what is wrong."""
    tokens, layers, k = want.expert.shape
    experts = want.logits.shape[-1]
    assert want.margin.min() >= parity.MARGIN, f"a near tie of {want.margin.min():.1e}: draw with another seed"
    for layer in range(layers):
        used = np.bincount(want.expert[:, layer].ravel(), minlength=experts)
        assert used.min() > 0 and (k == experts or used.max() < tokens)


@pytest.mark.parametrize("case", ["qwen3-grouped", "olmoe-full"])
def test_bfloat16_differs_little(case: str, corpus: Path, tmp_path: Path) -> None:
    """Both round to 8 bits, at different places: decisions may differ where scores are close, and only there."""
    model = checkpoints.make(case, tmp_path / "model")
    want = golden.record(model, golden.corpus_rows(corpus), "bfloat16")
    study = support.recording(model, corpus, tmp_path / "run") | {"model.dtype": "bfloat16"}
    support.moerae("record", study, ranks=1)
    found = parity.differences(want, tmp_path / "run")
    print(f"bfloat16 {case}:", {name: f"{value:.4f}" for name, value in found.items()})
    assert found["same experts"] >= 0.95
    assert found["weight mean"] <= 0.01
    assert found["logits max / rms"] <= 0.2


@pytest.fixture(scope="module")
def planted_corpus() -> Path:
    return PLANTED / "corpus.h5"


@pytest.mark.parametrize("grid", [*GRIDS, *MORE_GRIDS])
def test_planted_model(grid: tuple[int, int], planted_corpus: Path, planted_golden: Golden, tmp_path: Path) -> None:
    data, expert = grid
    study = support.recording(PLANTED, planted_corpus, tmp_path / "run", expert, batch_tokens=1024, shard_prompts=64)
    support.moerae("record", study, ranks=data * expert)
    worst = parity.assert_equal(planted_golden, tmp_path / "run")
    print(f"planted {data}x{expert}:", {name: f"{value:.1e}" for name, value in worst.items()})
    parity.assert_usage(tmp_path / "run", planted_corpus)


@pytest.fixture(scope="module")
def planted_golden(planted_corpus: Path) -> Golden:
    return golden.record(PLANTED, golden.corpus_rows(planted_corpus))


def test_planted_model_bfloat16(planted_corpus: Path, tmp_path: Path) -> None:
    want = golden.record(PLANTED, golden.corpus_rows(planted_corpus), "bfloat16")
    study = support.recording(PLANTED, planted_corpus, tmp_path / "run", batch_tokens=1024, shard_prompts=64)
    study["model.dtype"] = "bfloat16"
    support.moerae("record", study, ranks=2)
    found = parity.differences(want, tmp_path / "run")
    print("bfloat16 planted:", {name: f"{value:.4f}" for name, value in found.items()})
    assert found["same experts"] >= 0.9
    assert found["weight mean"] <= 0.02
