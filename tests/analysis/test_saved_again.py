"""A checkpoint that transformers saved again, in any layout it has, is the same model: routing and logits."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import parity
import pytest
import support
import torch
from moerae.reference import blocks, checkpoints, golden
from transformers import AutoModelForCausalLM

# the first plain case of every family
CASES = {
    case.family: name for name, case in reversed(checkpoints.CASES.items()) if not case.storage and not case.prediction
}
AS_PUBLISHED = ("gpt_oss",)  # what transformers holds is what is published
TOLERANCE = 1e-4  # of the root mean square of the vocabulary's logits


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "corpus.h5"
    return support.random_corpus(path, [1, 17, 40, 64], checkpoints.VOCABULARY)


def save_fused(published: Path, folder: Path) -> None:
    """By transformers without the original names; deepseek, which it does not have, by hand after the same pattern."""
    config = json.loads((published / "config.json").read_text())
    if config["model_type"] != "deepseek":
        model = AutoModelForCausalLM.from_pretrained(published, dtype=torch.float32)
        model.save_pretrained(folder, save_original_format=False)
        return
    tensors = blocks.read(published)
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}.mlp.experts."
        if f"{prefix}0.up_proj.weight" not in tensors:
            continue
        gate, up, down = (
            torch.stack([tensors.pop(f"{prefix}{e}.{part}_proj.weight") for e in range(config["n_routed_experts"])])
            for part in ("gate", "up", "down")
        )
        tensors |= {f"{prefix}gate_up_proj": torch.cat([gate, up], 1), f"{prefix}down_proj": down}
    folder.mkdir()
    blocks.rewrite(folder, tensors, None)
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("family", sorted(CASES))
def test_fused_experts_and_names_of_transformers(family: str, corpus: Path, tmp_path: Path) -> None:
    published, fused = checkpoints.make(CASES[family], tmp_path / "published"), tmp_path / "fused"
    save_fused(published, fused)
    assert (blocks.read(published).keys() == blocks.read(fused).keys()) == (family in AS_PUBLISHED)
    want = golden.record(published, golden.corpus_rows(corpus))
    for ranks in (1, 2):
        run = tmp_path / f"run-{ranks}"
        support.moerae("record", support.recording(fused, corpus, run, ranks), ranks=ranks)
        parity.assert_equal(want, run)
    tokens = np.random.default_rng(7).integers(0, checkpoints.VOCABULARY, 24)
    final = golden.record(published, [tokens], final=True).lm_logits
    program = support.program().parent / "tests/model/logits_of"
    ran = subprocess.run([program, fused, ",".join(map(str, tokens))], capture_output=True, text=True, check=True)
    found = np.asarray(json.loads(ran.stdout.splitlines()[-1]))
    assert np.abs(found - final).max() <= TOLERANCE * np.sqrt(np.mean(final**2))


def test_a_base_model_with_tied_embeddings(corpus: Path, tmp_path: Path) -> None:
    """Saved without its head, every name lacks the prefix; the head is the embedding."""
    published, base = checkpoints.make("olmoe-tied-top-1", tmp_path / "published"), tmp_path / "base"
    AutoModelForCausalLM.from_pretrained(published, dtype=torch.float32).model.save_pretrained(base)
    assert "embed_tokens.weight" in blocks.read(base)
    support.moerae("record", support.recording(base, corpus, tmp_path / "run"))
    parity.assert_equal(golden.record(published, golden.corpus_rows(corpus)), tmp_path / "run")


def test_a_head_that_differs_from_the_embedding_is_used(tmp_path: Path) -> None:
    """transformers does not tie what differs, whatever config.json says."""
    folder = checkpoints.make("olmoe-tied-top-1", tmp_path)
    tensors = blocks.read(folder)
    tensors["lm_head.weight"] = torch.randn(
        tensors["model.embed_tokens.weight"].shape, generator=torch.Generator().manual_seed(3)
    )
    blocks.rewrite(folder, tensors, None)
    tokens = np.random.default_rng(7).integers(0, checkpoints.VOCABULARY, 24)
    want = golden.record(folder, [tokens], final=True).lm_logits
    program = support.program().parent / "tests/model/logits_of"
    ran = subprocess.run([program, folder, ",".join(map(str, tokens))], capture_output=True, text=True, check=True)
    found = np.asarray(json.loads(ran.stdout.splitlines()[-1]))  # behind what is said of it
    assert np.abs(found - want).max() <= TOLERANCE * np.sqrt(np.mean(want**2))


def test_two_layouts_of_one_layer_are_refused(corpus: Path, tmp_path: Path) -> None:
    """transformers raises there."""
    published, fused = checkpoints.make("mixtral-top-1", tmp_path / "published"), tmp_path / "fused"
    save_fused(published, fused)
    blocks.rewrite(fused, blocks.read(fused) | blocks.read(published), None)
    ended = support.moerae("record", support.recording(fused, corpus, tmp_path / "run"), code=3)
    support.assert_one_error(ended, ["another layout"])


def test_layers_may_differ_in_their_layout(corpus: Path, tmp_path: Path) -> None:
    published, fused = checkpoints.make("mixtral-top-1", tmp_path / "published"), tmp_path / "fused"
    save_fused(published, fused)
    first = {name: value for name, value in blocks.read(published).items() if ".layers.0." in name}
    rest = {name: value for name, value in blocks.read(fused).items() if ".layers.0." not in name}
    blocks.rewrite(fused, first | rest, None)
    support.moerae("record", support.recording(fused, corpus, tmp_path / "run"))
    rows = golden.corpus_rows(corpus)
    want = golden.record(fused, rows)
    # to rounding: where a weight lies in memory can change the order of the sums in its products
    np.testing.assert_allclose(
        want.logits, golden.record(published, rows).logits, 1e-5, 1e-5, err_msg="transformers reads it so too"
    )
    parity.assert_equal(want, tmp_path / "run")


@pytest.mark.parametrize(
    ("case", "left"),
    [("olmoe-full", "gptq"), ("gpt_oss-bf16-yarn", "mxfp4"), ("deepseek_v3-groups-odd", "compressed-tensors")],
)
def test_quantisation_left_over_on_plain_weights(case: str, left: str, corpus: Path, tmp_path: Path) -> None:
    folder = checkpoints.make(case, tmp_path / "model")
    want = golden.record(folder, golden.corpus_rows(corpus))
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"quantization_config": {"quant_method": left}}))
    support.moerae("record", support.recording(folder, corpus, tmp_path / "run"))
    parity.assert_equal(want, tmp_path / "run")


def test_kimi_k2_is_a_deepseek_v3(corpus: Path, tmp_path: Path) -> None:
    folder = checkpoints.make("deepseek_v3-groups-odd", tmp_path / "model")
    want = golden.record(folder, golden.corpus_rows(corpus))
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_type": "kimi_k2"}))
    support.moerae("record", support.recording(folder, corpus, tmp_path / "run"))
    parity.assert_equal(want, tmp_path / "run")
