"""Writes the tiny random checkpoints, laid out as published ones are.

Weights are drawn far larger than the usual 0.02, so that routing varies from token to token and every part of the layer
matters to it: with small weights the residual stream stays the embedding, and a wrong attention would go unseen.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel

from moerae.errors import ConfigError
from moerae.reference import blocks, deepseek_v1
from moerae.reference.cases import CASES, VOCABULARY, Case

__all__ = ["CASES", "VOCABULARY", "draw", "make", "make_from", "named"]

ROUTER_WEIGHTS = ("mlp.gate.weight", "router.weight")
NARROW = (
    "llama",
    "deepseek_v2",
    "deepseek_v3",
    "dots1",
    "glm4_moe",
    "glm4_moe_lite",
    "minimax_m2",
)  # llama: the base of deepseek
DERIVED = ("head_dim", "qk_head_dim")  # of DeepSeek configs: transformers adds them, published ones have neither


def named(name: str) -> list[str]:
    """The cases that a name means: one case, a family, or 'all'."""
    found = [key for key, case in CASES.items() if name in ("all", key, case.family)]
    if not found:
        cases = ", ".join(CASES)
        raise ConfigError(f"no tiny checkpoint is called '{name}'; choose 'all', a family or one of: {cases}")
    return found


def draw(model: PreTrainedModel, seed: int) -> None:
    """Every parameter anew: matrices N(0, 2/fan_in), norms 1 + N(0, 0.2), biases N(0, 0.2), embeddings N(0, 1).

    Routers twice as wide, but for those of DeepSeek and GLM: of their many experts those below the first few would come
    so close to each other that rounding decides. Correction biases, which transformers sets to zero, N(0, 0.1); sinks
    N(0, 3), some larger than every attention logit.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * spread(name, weight, model))
            if "norm" in name and name.endswith("weight"):
                weight += 1
        for name, value in model.named_buffers():
            if name.endswith("e_score_correction_bias"):
                value.copy_(0.1 * torch.randn(value.shape, generator=generator))


def spread(name: str, weight: torch.Tensor, model: PreTrainedModel) -> float:
    """Standard deviation a parameter is drawn with."""
    if name.endswith("sinks"):
        return 3.0
    if weight.dim() == 1 or name.endswith("bias"):
        return 0.2
    if "embed_tokens" in name:
        return 1.0
    transposed = name.endswith("_proj") and model.config.model_type == "gpt_oss"  # experts lie input-major
    width = (2.0 / weight.shape[-2 if transposed else -1]) ** 0.5
    if name.endswith("gate_up_proj") and transposed:
        width *= 3  # so that the clamps at 7 are met
    return width * (2.0 if name.endswith(ROUTER_WEIGHTS) and model.config.model_type not in NARROW else 1.0)


def make(name: str, folder: Path, seed: int | None = None) -> Path:
    """Writes the checkpoint of a case; returns its folder. `seed` draws other weights than those of the case."""
    if name not in CASES:
        raise ConfigError(f"no tiny checkpoint is called '{name}'; choose one of: {', '.join(CASES)}")
    case = CASES[name]
    seed = case.seed if seed is None else seed
    if case.family == "deepseek":
        model = deepseek_v1.build(case.config)
    else:
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(case.family, **case.config), dtype=torch.float32)
    save(model, folder, seed, case.shard, getattr(torch, case.dtype))
    if case.prediction:
        blocks.rewrite(folder, blocks.read(folder) | prediction_layer(blocks.read(folder), case, seed), case.shard)
    if case.storage:
        blocks.quantise(folder, case.storage, case.shard, seed)
    path = folder / "config.json"
    path.write_text(json.dumps(config_file(case, json.loads(path.read_text())), indent=2))
    return folder


def config_file(case: Case, saved: dict[str, Any]) -> dict[str, Any]:
    """What config.json of the case says: as transformers 5 saved it, or in the dialect of published checkpoints."""
    config = saved | dict(case.fields)
    if case.family == "deepseek":
        config |= {key: case.config[key] for key in deepseek_v1.FIELDS if key in case.config}
        config |= {"model_type": "deepseek", "architectures": ["DeepseekForCausalLM"], "norm_topk_prob": False}
        config |= {"scoring_func": "softmax"}
        del config["head_dim"], config["mlp_bias"]
    if not case.published:
        return config
    rope = config.pop("rope_parameters")
    config["torch_dtype"] = config.pop("dtype")
    config["rope_theta"] = rope.pop("rope_theta")
    if "partial_rotary_factor" in rope:
        config["partial_rotary_factor"] = rope.pop("partial_rotary_factor")
    kind = rope.pop("rope_type")
    spelling = "rope_type" if case.family == "gpt_oss" else "type"
    config["rope_scaling"] = None if kind == "default" else {spelling: kind} | rope
    for field in DERIVED if "kv_lora_rank" in config else ():
        config.pop(field, None)
    if case.storage == "mxfp4":
        del config["torch_dtype"]  # gpt-oss names none
    return config


def prediction_layer(tensors: dict[str, torch.Tensor], case: Case, seed: int) -> dict[str, torch.Tensor]:
    """Multi-token prediction as DeepSeek-V3 and GLM-4.5 ship it: one more layer and what joins it to the model."""
    last = case.config["num_hidden_layers"] - 1
    before, after = f"model.layers.{last}.", f"model.layers.{last + 1}."
    found = {after + name.removeprefix(before): value for name, value in tensors.items() if name.startswith(before)}
    generator = torch.Generator().manual_seed(seed)
    embedding, norm = tensors["model.embed_tokens.weight"], tensors["model.norm.weight"]
    hidden = embedding.shape[1]
    joint = torch.randn(hidden, 2 * hidden, generator=generator).to(embedding.dtype)
    found |= {f"{after}{name}.weight": norm.clone() for name in ("enorm", "hnorm", "shared_head.norm")}
    found |= {f"{after}{name}.weight": embedding.clone() for name in ("embed_tokens", "shared_head.head")}
    return found | {f"{after}eh_proj.weight": joint}


def make_from(
    config: PreTrainedConfig,
    folder: Path,
    seed: int,
    shard: str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Path:
    """Writes a checkpoint of any config with save_pretrained; returns its folder."""
    return save(AutoModelForCausalLM.from_config(config, dtype=torch.float32), folder, seed, shard, dtype)


def save(model: PreTrainedModel, folder: Path, seed: int, shard: str | None, dtype: torch.dtype) -> Path:
    draw(model, seed)
    biases = {name: value.clone() for name, value in model.named_buffers() if name.endswith("e_score_correction_bias")}
    model.to(dtype)
    for name, value in biases.items():  # float32 in published files of any type
        model.get_submodule(name.rpartition(".")[0]).e_score_correction_bias = value
    model.save_pretrained(folder, **({"max_shard_size": shard} if shard else {}))
    return folder
