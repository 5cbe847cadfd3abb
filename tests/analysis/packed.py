"""Weights of few bits as published files have them, and the numbers that they stand for by each format's definition.

Every function takes a weight [out, in] in float32 and gives the tensors by suffix of the module and the exact weight.
Sources: AutoGPTQ (qlinear, pack), AutoAWQ (WQLinear_GEMM.from_linear), compressed-tensors (pack_to_int32,
float-quantized).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

Tensors = dict[str, torch.Tensor]
AWQ_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)
GROUP = 16


def words(codes: NDArray[np.int64], order: tuple[int, ...] = tuple(range(8))) -> torch.Tensor:
    """[.., n] numbers of four bits -> int32 [.., n / 8]: bits 4 i of a word hold its number order[i]."""
    eight = codes.astype(np.uint64).reshape(*codes.shape[:-1], -1, 8)
    out = sum(eight[..., j] << np.uint64(4 * i) for i, j in enumerate(order))
    return torch.from_numpy(np.ascontiguousarray(out.astype(np.uint32)).view(np.int32))


def four_bits(weight: NDArray[np.float32], group: NDArray[np.int64], rng: np.random.Generator, zeros: bool):
    """Codes [in, out], zero points and scales (float16) [groups, out] for inputs in the groups that `group` says."""
    count = int(group.max()) + 1
    largest = np.stack([np.abs(weight[:, group == g]).max(1) for g in range(count)])
    scale = (largest / 7 * rng.uniform(0.8, 1.2, largest.shape)).astype(np.float16)
    zero = rng.integers(1, 16, scale.shape) if zeros else np.full(scale.shape, 8)
    code = np.clip(np.rint(weight.T / scale.astype(np.float32)[group]) + zero[group], 0, 15).astype(np.int64)
    exact = (code - zero[group]).astype(np.float32) * scale.astype(np.float32)[group]
    return code, zero, scale, torch.from_numpy(np.ascontiguousarray(exact.T))


def gptq(weight: torch.Tensor, rng: np.random.Generator, less: int, shuffled: bool) -> tuple[Tensors, torch.Tensor]:
    size = weight.shape[1]
    group = np.arange(size) // GROUP
    group = rng.permutation(group) if shuffled else group
    code, zero, scale, exact = four_bits(weight.numpy(), group, rng, zeros=True)
    tensors = {
        ".qweight": words(code.T).t().contiguous(),
        ".qzeros": words(zero - less),
        ".scales": torch.from_numpy(scale),
        ".g_idx": torch.from_numpy(group.astype(np.int32)),
    }
    return tensors, exact


def awq(weight: torch.Tensor, rng: np.random.Generator) -> tuple[Tensors, torch.Tensor]:
    code, zero, scale, exact = four_bits(weight.numpy(), np.arange(weight.shape[1]) // GROUP, rng, zeros=True)
    packed = {".qweight": words(code, AWQ_ORDER), ".qzeros": words(zero, AWQ_ORDER), ".scales": torch.from_numpy(scale)}
    return packed, exact


def int4(weight: torch.Tensor, rng: np.random.Generator) -> tuple[Tensors, torch.Tensor]:
    code, _, scale, exact = four_bits(weight.numpy(), np.arange(weight.shape[1]) // GROUP, rng, zeros=False)
    tensors = {
        ".weight_packed": words(np.ascontiguousarray(code.T)),
        ".weight_scale": torch.from_numpy(np.ascontiguousarray(scale.T)),
        ".weight_shape": torch.tensor(weight.shape),
    }
    return tensors, exact


def channel_fp8(weight: torch.Tensor, rng: np.random.Generator) -> tuple[Tensors, torch.Tensor]:
    spread = torch.from_numpy(rng.uniform(0.8, 1.2, (len(weight), 1)))
    scale = (weight.abs().amax(1, keepdim=True) / 448 * spread).to(torch.bfloat16)
    numbers = (weight / scale.float()).clamp(-448, 448).to(torch.float8_e4m3fn)
    return {".weight": numbers, ".weight_scale": scale}, numbers.float() * scale.float()


def _compressed(weights: dict[str, object], format_: str) -> dict[str, object]:
    return {
        "quant_method": "compressed-tensors",
        "format": format_,
        "config_groups": {
            "group_0": {"targets": ["Linear"], "weights": {"symmetric": True, "dynamic": False} | weights}
        },
        "ignore": ["lm_head"],
    }


Packer = Callable[[torch.Tensor, np.random.Generator], tuple[Tensors, torch.Tensor]]
FORMATS: dict[str, tuple[dict[str, object], Packer]] = {
    "gptq": (
        {"quant_method": "gptq", "bits": 4, "group_size": GROUP, "desc_act": False, "sym": False},
        lambda weight, rng: gptq(weight, rng, less=1, shuffled=False),
    ),
    "gptq-act-order": (
        {"quant_method": "gptq", "bits": 4, "group_size": GROUP, "desc_act": True, "checkpoint_format": "gptq"},
        lambda weight, rng: gptq(weight, rng, less=1, shuffled=True),
    ),
    "gptq_v2": (
        {"quant_method": "gptq", "bits": 4, "group_size": GROUP, "checkpoint_format": "gptq_v2"},
        lambda weight, rng: gptq(weight, rng, less=0, shuffled=False),
    ),
    "awq": ({"quant_method": "awq", "bits": 4, "group_size": GROUP, "version": "gemm", "zero_point": True}, awq),
    "int4": (
        _compressed({"num_bits": 4, "type": "int", "strategy": "group", "group_size": GROUP}, "pack-quantized"),
        int4,
    ),
    "channel-fp8": (
        _compressed({"num_bits": 8, "type": "float", "strategy": "channel"}, "float-quantized"),
        channel_fp8,
    ),
}  # fmt: skip
