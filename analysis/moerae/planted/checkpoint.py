"""Checkpoints in Hugging Face layout: bf16 on disk, read back in float32."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from moerae.errors import DataError
from moerae.planted.model import EPS, INITIALIZER_RANGE, ROPE_THETA, PlantedModel
from moerae.planted.tokenizer import write_tokenizer
from moerae.planted.variants import Variant
from moerae.planted.world import BOS, END, PAD, VOCABULARY

ATTENTION = tuple(f"self_attn.{name}.weight" for name in ("q_proj", "k_proj", "v_proj", "o_proj", "q_norm", "k_norm"))
NORMS = ("input_layernorm.weight", "post_attention_layernorm.weight")


def to_huggingface(model: PlantedModel) -> dict[str, Tensor]:
    """Tensors under the names of published Qwen3-MoE checkpoints."""
    v, own = model.v, model.state_dict()
    tensors = {
        "model.embed_tokens.weight": own["embed_tokens.weight"],
        "model.norm.weight": own["norm.weight"],
        "lm_head.weight": own["lm_head.weight"],
    }
    for i in range(v.layers):
        prefix = f"model.layers.{i}."
        for name in (*ATTENTION, *NORMS):
            tensors[prefix + name] = own[f"layers.{i}.{name}"]
        tensors[prefix + "mlp.gate.weight"] = own[f"layers.{i}.mlp.gate.weight"]
        gate, up = own[f"layers.{i}.mlp.gate_up"].chunk(2)
        down = own[f"layers.{i}.mlp.down"]
        for e in range(v.experts):
            rows = slice(e * v.intermediate, (e + 1) * v.intermediate)
            expert = f"{prefix}mlp.experts.{e}."
            tensors[expert + "gate_proj.weight"] = gate[rows]
            tensors[expert + "up_proj.weight"] = up[rows]
            tensors[expert + "down_proj.weight"] = down[rows].T
    return {name: tensor.detach() for name, tensor in tensors.items()}


def write_checkpoint(model: PlantedModel, folder: Path, dtype: torch.dtype = torch.bfloat16) -> None:
    """config.json as transformers writes it, model.safetensors, and the tokenizer."""
    from transformers import Qwen3MoeConfig

    v = model.v
    config = Qwen3MoeConfig(
        vocab_size=VOCABULARY,
        hidden_size=v.hidden,
        intermediate_size=2 * v.hidden,  # of dense layers: there are none
        num_hidden_layers=v.layers,
        num_attention_heads=v.heads,
        num_key_value_heads=v.kv_heads,
        head_dim=v.head_dim,
        moe_intermediate_size=v.intermediate,
        num_experts=v.experts,
        num_experts_per_tok=v.top_k,
        norm_topk_prob=True,
        decoder_sparse_step=1,
        mlp_only_layers=[],
        tie_word_embeddings=False,
        max_position_embeddings=128,
        rms_norm_eps=EPS,
        rope_parameters={"rope_type": "default", "rope_theta": ROPE_THETA},
        initializer_range=INITIALIZER_RANGE,
        bos_token_id=BOS,
        eos_token_id=END,
        pad_token_id=PAD,
        architectures=["Qwen3MoeForCausalLM"],
        dtype=str(dtype).removeprefix("torch."),
    )
    folder.mkdir(parents=True, exist_ok=True)
    config.save_pretrained(folder)
    tensors = {name: tensor.to(dtype).contiguous() for name, tensor in to_huggingface(model).items()}
    save_file(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
    write_tokenizer(folder)


def read_checkpoint(folder: Path, variant: Variant) -> PlantedModel:
    """The exported weights in float32: what truth is measured on."""
    path = folder / "model.safetensors"
    disk = {name: tensor.float() for name, tensor in load_file(str(path)).items()}
    model = PlantedModel(variant)
    own = {f"{name}.weight": disk.pop(f"model.{name}.weight") for name in ("embed_tokens", "norm")}
    own["lm_head.weight"] = disk.pop("lm_head.weight")
    for i in range(variant.layers):
        prefix = f"model.layers.{i}."
        for name in (*ATTENTION, *NORMS, "mlp.gate.weight"):
            own[f"layers.{i}.{name}"] = disk.pop(prefix + name)

        def stacked(projection: str, prefix: str = prefix) -> list[Tensor]:
            names = [f"{prefix}mlp.experts.{e}.{projection}_proj.weight" for e in range(variant.experts)]
            return [disk.pop(name) for name in names]

        own[f"layers.{i}.mlp.gate_up"] = torch.cat(stacked("gate") + stacked("up"))
        own[f"layers.{i}.mlp.down"] = torch.cat([down.T for down in stacked("down")])
    if disk:
        raise DataError(f"{path}: tensor {min(disk)} belongs to no part of variant {variant.name}; make the model anew")
    model.load_state_dict(own)
    return model.eval()
