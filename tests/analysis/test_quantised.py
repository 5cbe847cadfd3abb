"""Checkpoints of four bits, and FP8 by rows: the routing is that of the exact weights they stand for, in transformers.

The weights are packed and unpacked by tests/analysis/packed.py, independently of the program.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import packed
import parity
import pytest
import support
import torch
from moerae.reference import blocks, checkpoints, golden
from moerae.reference.cases.case import case
from transformers import AutoConfig

LINEAR = re.compile(r"\.layers\.\d+\.(self_attn|mlp|block_sparse_moe)\..*(_proj|w[123])\.weight$")
PLAIN = re.compile(r"\.layers\.0\.self_attn\.|\.experts\.3\.")  # not converted, as files leave some modules
WIDE = {"hidden_size": 64, "num_attention_heads": 4}
LATENT = {"kv_lora_rank": 16, "qk_nope_head_dim": 10, "qk_rope_head_dim": 6, "v_head_dim": 16, "num_key_value_heads": 4}
MODELS = {
    "qwen3_moe": case("qwen3_moe", seed=1, moe_intermediate_size=32, head_dim=16, **WIDE),
    "mixtral": case("mixtral", seed=3, intermediate_size=48, **WIDE),
    "deepseek_v2": case("deepseek_v2", seed=5, moe_intermediate_size=32, intermediate_size=80, **WIDE, **LATENT),
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "corpus.h5"
    return support.random_corpus(path, [1, 17, 40, 64], checkpoints.VOCABULARY)


def make(family: str, format_: str, folder: Path) -> tuple[Path, Path]:
    """The packed checkpoint, and one of the weights that it stands for in float32."""
    model = MODELS[family]
    exact = checkpoints.make_from(AutoConfig.for_model(family, **model.config), folder / "exact", model.seed)
    config, pack = packed.FORMATS[format_]
    rng = np.random.default_rng(11)
    plain, stored = blocks.read(exact), {}
    for name, value in sorted(plain.items()):
        if not LINEAR.search(name) or PLAIN.search(name):
            stored[name] = value
            continue
        tensors, plain[name] = pack(value, rng)
        stored |= {name.removesuffix(".weight") + suffix: tensor for suffix, tensor in tensors.items()}
    blocks.rewrite(exact, plain, None)
    quantised = folder / "packed"
    quantised.mkdir()
    blocks.rewrite(quantised, stored, "60KB")
    fields = json.loads((exact / "config.json").read_text()) | {"quantization_config": config}
    (quantised / "config.json").write_text(json.dumps(fields))
    return quantised, exact


@pytest.mark.parametrize("format_", packed.FORMATS)
@pytest.mark.parametrize("family", MODELS)
def test_routing_is_that_of_the_exact_weights(family: str, format_: str, corpus: Path, tmp_path: Path) -> None:
    quantised, exact = make(family, format_, tmp_path)
    rows = golden.corpus_rows(corpus)
    want = golden.record(exact, rows)
    for ranks in (1, 2):
        run = tmp_path / f"run-{ranks}"
        support.moerae("record", support.recording(quantised, corpus, run, ranks), ranks=ranks)
        worst = parity.assert_equal(want, run, lambda: golden.record(exact, rows, "float64"))
        print(f"{family} {format_} {ranks}:", {name: f"{value:.1e}" for name, value in worst.items()})


@pytest.mark.parametrize("format_", packed.FORMATS)
def test_experts_stay_packed(format_: str, tmp_path: Path) -> None:
    """`plan` says what the weights of a rank take: experts as their files have them, all else in float32."""
    quantised, exact = make("qwen3_moe", format_, tmp_path)

    def weights(folder: Path) -> str:
        said = support.moerae("plan", {"model.path": folder, "model.dtype": "float32"}).out
        return re.search(r"^weights per rank +(.*)$", said, re.M)[1]

    stored = blocks.read(quantised)
    of_experts = sum(
        value.numel()
        * (4 if value.is_floating_point() and value.dtype != torch.float8_e4m3fn else value.element_size())
        for name, value in stored.items()
        if ".experts.2." in name
    )
    others = sum(
        value.numel() * 4
        for name, value in blocks.read(exact).items()
        if ".experts." not in name and "lm_head" not in name
    )
    want = others + of_experts * MODELS["qwen3_moe"].config["num_experts"]
    value, unit = weights(quantised).split()
    assert float(value) == pytest.approx(want / {"KiB": 2**10, "MiB": 2**20}[unit], rel=0.06)
    assert want < 0.7 * 4 * sum(value.numel() for value in blocks.read(exact).values())


def test_groups_that_are_not_there_are_refused(corpus: Path, tmp_path: Path) -> None:
    quantised, _ = make("qwen3_moe", "gptq", tmp_path)
    tensors = blocks.read(quantised)
    tensors["model.layers.1.mlp.experts.2.up_proj.g_idx"][5] = 99
    blocks.rewrite(quantised, tensors, None)
    ended = support.moerae("record", support.recording(quantised, corpus, tmp_path / "run"), code=3)
    support.assert_one_error(ended, ["g_idx", "model.layers.1.mlp.experts.2.up_proj"])


def test_other_methods_are_named(corpus: Path, tmp_path: Path) -> None:
    quantised, _ = make("qwen3_moe", "gptq", tmp_path)
    path = quantised / "config.json"
    fields = json.loads(path.read_text())
    for change, word in (({"bits": 8}, "bits = 8"), ({"quant_method": "aqlm"}, "aqlm")):
        path.write_text(json.dumps(fields | {"quantization_config": fields["quantization_config"] | change}))
        ended = support.moerae("record", support.recording(quantised, corpus, tmp_path / "run"), code=3)
        support.assert_one_error(ended, [word, "bfloat16"])
