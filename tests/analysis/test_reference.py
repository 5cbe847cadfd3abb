"""The references themselves: layout of the tiny checkpoints, what their cases exercise, the parts that are our own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import h5py
import numpy as np
import parity
import pytest
import support
import torch
from moerae.__main__ import main
from moerae.errors import DataError
from moerae.reference import blocks, checkpoints, deepseek_v1, golden
from transformers import AutoModelForCausalLM, Qwen2MoeConfig
from transformers.integrations.finegrained_fp8 import Fp8Dequantize

EXPERT = r"mlp\.experts\.\d+\.(gate|up|down)_proj\.weight"
MIXTRAL = r"block_sparse_moe\.(gate\.weight|experts\.\d+\.w[123]\.weight)"
SHARED = r"mlp\.shared_experts\.(gate|up|down)_proj\.weight"
LATENT = (
    r"self_attn\.(kv_a_proj_with_mqa|kv_b_proj|kv_a_layernorm|q_proj|q_[ab]_proj|q_a_layernorm|o_proj)\.(weight|bias)"
)
BIAS = r"mlp\.gate\.e_score_correction_bias"
# what the names below "model.layers.N." are in the published checkpoints (ours: names without dense layers and norms)
PUBLISHED = {
    "qwen3_moe": rf"{EXPERT}|mlp\.gate\.weight|self_attn\..*",
    "olmoe": rf"{EXPERT}|mlp\.gate\.weight|self_attn\..*",
    "qwen2_moe": rf"{EXPERT}|mlp\.gate\.weight|mlp\.shared_expert(_gate|\.(gate|up|down)_proj)\.weight|self_attn\..*",
    "mixtral": rf"{MIXTRAL}|self_attn\.[qkvo]_proj\.weight",
    "phimoe": rf"{MIXTRAL}|self_attn\.[qkvo]_proj\.(weight|bias)|.*_layernorm\.bias",
    "deepseek": rf"{EXPERT}|{SHARED}|mlp\.gate\.weight|self_attn\.[qkvo]_proj\.weight",
    "deepseek_v2": rf"{EXPERT}|{SHARED}|mlp\.gate\.weight|{LATENT}",
    "deepseek_v3": rf"({EXPERT}|{SHARED}|{LATENT})(_scale_inv)?|mlp\.gate\.weight|{BIAS}",
    "glm4_moe": rf"{EXPERT}|{SHARED}|mlp\.gate\.weight|{BIAS}|self_attn\.([qkvo]_proj|[qk]_norm)\.(weight|bias)",
    "dots1": rf"{EXPERT}|{SHARED}|mlp\.gate\.weight|{BIAS}|self_attn\.([qkvo]_proj|[qk]_norm)\.(weight|bias)",
    "glm4_moe_lite": rf"{EXPERT}|{SHARED}|mlp\.gate\.weight|{BIAS}|{LATENT}",
    "minimax_m2": rf"{MIXTRAL}|block_sparse_moe\.e_score_correction_bias|self_attn\.([qkvo]_proj|[qk]_norm)\.weight",
    "gpt_oss": r"mlp\.experts\.(gate_up|down)_proj(_blocks|_scales|_bias)?|mlp\.router\.(weight|bias)"
    r"|self_attn\.([qkvo]_proj\.(weight|bias)|sinks)",
    "granitemoe": r"block_sparse_moe\.(input_linear|output_linear|router\.layer)\.weight"
    r"|self_attn\.[qkvo]_proj\.(weight|bias)",
}
EVERYWHERE = r"(input|post_attention)_layernorm\.weight|mlp\.(gate|up|down)_proj\.weight(_scale_inv)?"


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    path = tmp_path_factory.mktemp("corpus") / "corpus.h5"
    return golden.corpus_rows(support.random_corpus(path, [96, 40, 5], checkpoints.VOCABULARY))


@pytest.mark.parametrize("name", checkpoints.CASES)
def test_files_are_laid_out_as_published(name: str, tmp_path: Path) -> None:
    case = checkpoints.CASES[name]
    folder = checkpoints.make(name, tmp_path / "model")
    tensors = blocks.read(folder)
    layers = case.config["num_hidden_layers"]
    known = re.compile(rf"model\.layers\.\d+\.({PUBLISHED[case.family]}|{EVERYWHERE})")
    top = re.compile(r"model\.embed_tokens\.weight|model\.norm\.(weight|bias)|lm_head\.(weight|bias)")
    ours = [n for n in tensors if not n.startswith(f"model.layers.{layers}.")]
    strange = [n for n in ours if not (known.fullmatch(n) or top.fullmatch(n))]
    assert not strange and case.prediction == (len(ours) < len(tensors))
    files = list(folder.glob("*.safetensors"))
    assert (len(files) > 1) == (case.shard is not None), "several shards exactly where the case says so"
    assert ("lm_head.weight" in tensors) != case.config.get("tie_word_embeddings", False)
    config = json.loads((folder / "config.json").read_text())
    assert config["model_type"] == case.family
    assert ("rope_theta" in config) == case.published == ("rope_parameters" not in config)
    wide = {n for n, t in tensors.items() if t.dtype == torch.float32 and not n.endswith(("_scale_inv", "tion_bias"))}
    assert wide == set() if case.dtype == "bfloat16" else wide == {n for n in tensors if not n.endswith("tion_bias")}


# A field whose change must be felt: otherwise the case would pass whatever the program makes of it.
FELT = [
    ("qwen3-llama3-window", {"sliding_window": 18}),
    ("qwen3-llama3-window", {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4}}),
    ("qwen3-linear-bf16-published", {"rope_scaling": None}),
    ("qwen2_moe-yarn-sparse-step-sharded", {"rope_scaling": None}),
    ("qwen2_moe-window-tied-top-1", {"layer_types": ["full_attention"] + 3 * ["sliding_attention"]}),
    ("olmoe-clip-grouped-sharded", {"clip_qkv": 0.81}),
    ("olmoe-dynamic-published", {"rope_scaling": None}),
    ("mixtral-window-head-dim", {"sliding_window": 12}),
    ("mixtral-all-experts-dynamic-bf16", {"max_position_embeddings": 33}),
    ("phimoe-jitter-sharded", {"router_jitter_noise": 0.1}),
    ("phimoe-window-two-experts-bf16", {"sliding_window": None}),
    ("deepseek-linear-bf16-sharded", {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4}}),
    ("deepseek_v2-groups-mscale-sharded", {"routed_scaling_factor": 1.5}),
    ("deepseek_v2-groups-mscale-sharded", {"topk_group": 3}),
    ("deepseek_v3-groups-odd", {"topk_group": 3}),
    ("deepseek_v3-one-group-unnormalised-bf16", {"rope_interleave": True}),
    ("deepseek_v3-one-group-unnormalised-bf16", {"norm_topk_prob": True}),
    ("dots1-window-scaled", {"sliding_window": 12}),
    ("dots1-window-scaled", {"routed_scaling_factor": 1.6}),
    ("glm4_moe_lite-types-groups-sharded", {"topk_group": 3}),
    ("minimax_m2-partial-sharded", {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4}}),
    ("gpt_oss-bf16-yarn", {"layer_types": 4 * ["full_attention"]}),
    ("gpt_oss-bf16-yarn", {"swiglu_limit": 8.0}),
    ("gpt_oss-mxfp4-odd-blocks-top-1-published", {"rope_scaling": None}),
    ("granitemoe-multipliers", {"embedding_multiplier": 1.6}),
    ("granitemoe-multipliers", {"residual_multiplier": 0.7}),
    ("granitemoe-published-tied-top-1-bf16", {"attention_multiplier": 0.02}),
]


@pytest.mark.parametrize(("name", "fields"), FELT, ids=[f"{name}:{'-'.join(fields)}" for name, fields in FELT])
def test_case_feels_the_field(name: str, fields: dict[str, object], rows: list[np.ndarray], tmp_path: Path) -> None:
    folder = checkpoints.make(name, tmp_path / "model")
    before = golden.record(folder, rows)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    after = golden.record(folder, rows)
    change = np.abs(after.logits - before.logits) / parity.scale(before.logits)
    moved = max(change.max(), np.abs(after.weight - before.weight).max())
    assert moved > 100 * parity.TOLERANCE


@pytest.mark.parametrize(
    ("parameter", "case"), [("sinks", "gpt_oss-bf16-yarn"), ("tion_bias", "glm4_moe-odd-head-norm")]
)
def test_what_transformers_leaves_at_rest_is_drawn(parameter: str, case: str, tmp_path: Path) -> None:
    drawn = [t for n, t in blocks.read(checkpoints.make(case, tmp_path)).items() if n.endswith(parameter)]
    assert drawn and all((value != 0).all() for value in drawn)
    if parameter == "sinks":
        assert max(value.max() for value in drawn) > 4


@pytest.mark.parametrize("case", ["phimoe-longrope-biases", "phimoe-jitter-sharded"])
def test_sparse_mixer_meets_near_ties(case: str, rows: list[np.ndarray], tmp_path: Path) -> None:
    weight = golden.record(checkpoints.make(case, tmp_path), rows).weight
    share = float((weight.min(-1) < 0.999).mean())  # both 1 where nothing is near
    assert 0.01 < share < 0.99


def test_deepseek_v1_is_a_qwen2_moe_with_an_open_gate(rows: list[np.ndarray], tmp_path: Path) -> None:
    """Independent of our module: a shared gate of zero halves what the shared expert adds, so its output is doubled."""
    folder = checkpoints.make("deepseek-dense-first", tmp_path / "deepseek")
    fields = checkpoints.CASES["deepseek-dense-first"].config
    same = {name: value for name, value in fields.items() if name in Qwen2MoeConfig().to_dict()}
    shared = fields["moe_intermediate_size"] * fields["n_shared_experts"]
    config = Qwen2MoeConfig(
        **same,
        num_experts=fields["n_routed_experts"],
        shared_expert_intermediate_size=shared,
        mlp_only_layers=[0],
        qkv_bias=False,
        norm_topk_prob=False,
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "qwen")
    tensors = {name.replace("shared_experts", "shared_expert"): value for name, value in blocks.read(folder).items()}
    for name in [name for name in tensors if "shared_expert.down_proj" in name]:
        tensors[name] = 2 * tensors[name]
        gate = name.replace("shared_expert.down_proj", "shared_expert_gate")
        tensors[gate] = torch.zeros(1, fields["hidden_size"])
    blocks.rewrite(tmp_path / "qwen", tensors, None)
    ours, theirs = golden.record(folder, rows), golden.record(tmp_path / "qwen", rows)
    assert (ours.expert == theirs.expert).all() and ours.layer.tolist() == theirs.layer.tolist() == [1, 2]
    for got, want in ((ours.weight, theirs.weight), (ours.logits, theirs.logits)):
        assert np.abs(got - want).max() <= parity.TOLERANCE * np.sqrt((want**2).mean())


def test_deepseek_v1_refuses_a_checkpoint_with_a_tensor_too_many(tmp_path: Path) -> None:
    folder = checkpoints.make("deepseek-dense-first", tmp_path)
    blocks.rewrite(folder, blocks.read(folder) | {"model.layers.0.mlp.gate.weight": torch.zeros(1)}, None)
    with pytest.raises(RuntimeError, match=r"model\.layers\.0\.mlp\.gate\.weight"):
        deepseek_v1.load(folder, torch.float32)


def test_mxfp4_is_what_transformers_reads(tmp_path: Path) -> None:
    """E2M1 by its bits: value = (-1)^s 2^(e-1) (1 + m/2), subnormal m/2; times 2^(scale - 127); low nibble first."""
    folder = checkpoints.make("gpt_oss-mxfp4-odd-blocks-top-1-published", tmp_path)
    layer = "model.layers.1.mlp.experts.down_proj"
    tensors = blocks.read(folder)
    packed, scales = (tensors[f"{layer}_{part}"].numpy() for part in ("blocks", "scales"))
    assert packed.shape == (5, 96, 160 // 32, 16) and scales.shape == (5, 96, 160 // 32)
    loaded = dict(golden.load(folder, "float32").named_parameters())[layer].detach().numpy()  # [K, in, out]
    for expert, row, column in np.random.default_rng(0).integers(0, (5, 96, 160), (200, 3)):
        byte = int(packed[expert, row, column // 32, column % 32 // 2])
        nibble = byte >> 4 if column % 2 else byte & 15
        sign, e, m = nibble >> 3, nibble >> 1 & 3, nibble & 1
        value = (-1) ** sign * (m / 2 if e == 0 else 2 ** (e - 1) * (1 + m / 2))
        assert loaded[expert, column, row] == value * 2.0 ** (int(scales[expert, row, column // 32]) - 127)
    assert len(np.unique(scales)) > 2


def test_fp8_blocks_are_128_wide_from_the_first_row_on() -> None:
    """transformers divides the sizes evenly, which agrees for multiples of 128 only: there it must."""
    generator = torch.Generator().manual_seed(0)
    quantised, scale = blocks.to_fp8(torch.randn(256, 384, generator=generator), generator)
    ours = blocks.from_fp8(quantised, scale)
    assert torch.equal(ours, Fp8Dequantize(None)._dequantize_one(quantised, scale, torch.float32))
    weight = torch.randn(130, 301, generator=generator)
    quantised, scale = blocks.to_fp8(weight, generator)
    assert quantised.dtype == torch.float8_e4m3fn and scale.shape == (2, 3)
    ours = blocks.from_fp8(quantised, scale)
    for row, column in ((0, 0), (127, 127), (128, 0), (0, 128), (129, 300), (127, 256)):
        assert ours[row, column] == quantised[row, column].float() * scale[row // 128, column // 128]


def test_one_command_writes_checkpoints_and_golden_values(tmp_path: Path) -> None:
    corpus = support.random_corpus(tmp_path / "corpus.h5", [9, 4], checkpoints.VOCABULARY)
    command = ["reference", "--tiny", "granitemoe", "--out", str(tmp_path / "out"), "--corpus", str(corpus)]
    assert main(command) == 0
    for name in checkpoints.named("granitemoe"):
        with h5py.File(tmp_path / "out" / name / "golden.h5") as file:
            assert file["routing/expert"].shape[0] == 13 and file.attrs["complete"] == 1
    with pytest.raises(DataError, match="outside its vocabulary"):
        golden.record(tmp_path / "out" / name, [np.array([checkpoints.VOCABULARY])])
