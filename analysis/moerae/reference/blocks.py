"""Block formats of published checkpoints: MXFP4 experts (gpt-oss), F8_E4M3 in blocks of 128 x 128 (DeepSeek-V3).

Only writing, and the way back where transformers has none for sizes that are no multiple of 128.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import torch
from huggingface_hub import save_torch_state_dict
from safetensors.torch import load_file

# E2M1, indexed by the four bits sign exponent exponent mantissa (OCP Microscaling Formats 1.0, table 5)
FP4 = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0])
GROUP = 32  # values that share an E8M0 scale
BLOCK = 128  # rows and columns that share a scale_inv
PACKED = re.compile(r"\.mlp\.experts\.(gate_up|down)_proj$")
LINEAR = re.compile(r"\.layers\.\d+\..*_proj(_with_mqa)?\.weight$")
QUANTISED = {
    "mxfp4": {
        "quant_method": "mxfp4",
        "modules_to_not_convert": [
            "model.layers.*.self_attn",
            "model.layers.*.mlp.router",
            "model.embed_tokens",
            "lm_head",
        ],
    },
    "fp8": {
        "quant_method": "fp8",
        "fmt": "e4m3",
        "activation_scheme": "dynamic",
        "weight_block_size": [BLOCK, BLOCK],
    },
}


def read(folder: Path) -> dict[str, torch.Tensor]:
    return {name: value for path in sorted(folder.glob("*.safetensors")) for name, value in load_file(path).items()}


def rewrite(folder: Path, tensors: dict[str, torch.Tensor], shard: str | None) -> None:
    """Replaces the safetensors files of a checkpoint and their index."""
    for path in [*folder.glob("*.safetensors"), *folder.glob("*.safetensors.index.json")]:
        path.unlink()
    save_torch_state_dict(tensors, folder, max_shard_size=shard or "5GB", metadata={"format": "pt"})


def quantise(folder: Path, storage: str, shard: str | None, seed: int) -> None:
    """Turns a saved checkpoint into its published block format; scales differ more than chance would have it."""
    generator = torch.Generator().manual_seed(seed)
    out: dict[str, torch.Tensor] = {}
    for name, value in sorted(read(folder).items()):
        if storage == "mxfp4" and PACKED.search(name):
            out[f"{name}_blocks"], out[f"{name}_scales"] = to_mxfp4(value.transpose(1, 2), generator)
        elif storage == "fp8" and LINEAR.search(name):
            out[name], out[f"{name}_scale_inv"] = to_fp8(value, generator)
        else:
            out[name] = value
    rewrite(folder, out, shard)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"quantization_config": QUANTISED[storage]}, indent=2))


def to_mxfp4(weight: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """[K, out, in] -> blocks uint8 [K, out, in / 32, 16] (low nibble first) and scales uint8 [K, out, in / 32]."""
    groups = weight.float().unflatten(-1, (-1, GROUP))  # [K, out, in / 32, 32]
    exponent = (groups.abs().amax(-1) / 6).log2().ceil()
    code = (groups / exponent.exp2()[..., None])[..., None].sub(FP4).abs().argmin(-1)  # nearest value
    exponent += torch.randint(-1, 2, exponent.shape, generator=generator)  # other weights, just as random
    blocks = code[..., 0::2] | (code[..., 1::2] << 4)
    return blocks.to(torch.uint8), (exponent + 127).to(torch.uint8)


def to_fp8(weight: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """[out, in] -> F8_E4M3 of the same shape and scale_inv float32 [ceil(out / 128), ceil(in / 128)]."""
    grid = [-(-size // BLOCK) for size in weight.shape]
    scale = torch.empty(grid)
    quantised = torch.empty(weight.shape, dtype=torch.float8_e4m3fn)
    for row, column in torch.cartesian_prod(*map(torch.arange, grid)).tolist():
        place = tuple(slice(i * BLOCK, (i + 1) * BLOCK) for i in (row, column))
        block = weight[place].float()
        scale[row, column] = block.abs().max() / 448
        quantised[place] = (block / scale[row, column]).to(torch.float8_e4m3fn)
    return quantised, scale * (0.7 + 0.6 * torch.rand(grid, generator=generator))


def from_fp8(quantised: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """w[i, j] = q[i, j] scale_inv[i // 128, j // 128] in float32, as in DeepSeek-V3's weight_dequant."""
    row, column = (torch.arange(size) // BLOCK for size in quantised.shape)
    return quantised.float() * scale.float()[row[:, None], column[None, :]]


def without_fp8(folder: Path, plain: Path) -> Path:
    """Writes the checkpoint with every block-scaled weight in float32; returns its folder."""
    tensors = read(folder)
    out = {name: value for name, value in tensors.items() if not name.endswith("_scale_inv")}
    for name in tensors.keys() - out.keys():
        weight = name.removesuffix("_scale_inv")
        out[weight] = from_fp8(tensors[weight], tensors[name])
    plain.mkdir(parents=True)
    config = json.loads((folder / "config.json").read_text())
    del config["quantization_config"]
    (plain / "config.json").write_text(json.dumps(config))
    rewrite(plain, out, None)
    return plain
