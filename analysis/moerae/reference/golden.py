"""The routers of transformers, listened to while prompts run unpadded: alone, or beside others of their length."""

from __future__ import annotations

import json
import re
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForCausalLM, Mxfp4Config, PreTrainedModel

from moerae.errors import DataError
from moerae.files.corpus import read_tokens
from moerae.files.golden import Golden
from moerae.reference import blocks, deepseek_v1
from moerae.reference.routers import ROUTERS, tell_routers

LAYER = re.compile(r"\.layers\.(\d+)\.")


def corpus_rows(path: Path, prompts: int | None = None) -> list[NDArray[np.int64]]:
    """The token ids of the first `prompts` rows of a corpus (None: all)."""
    if not path.is_file():
        raise DataError(f"{path}: no such corpus; make one with `python -m moerae corpus`")
    return [tokens.astype(np.int64) for tokens in read_tokens(path, slice(prompts))]


def routers(model: PreTrainedModel) -> dict[int, torch.nn.Module]:
    """Decoder index -> router module, ascending."""
    known = tuple(ROUTERS)
    found = {int(LAYER.search(name)[1]): item for name, item in model.named_modules() if isinstance(item, known)}
    if not found:
        names = ", ".join(kind.__name__ for kind in known)
        raise DataError(f"the model ({type(model).__name__}) has no MoE layer with a known router; known: {names}")
    tell_routers(model)
    return dict(sorted(found.items()))


def load(folder: Path, dtype: str, experts: str = "eager") -> PreTrainedModel:
    """A checkpoint ready for inference on the CPU. Errors: DataError where transformers had to invent a weight."""
    config = json.loads((folder / "config.json").read_text())
    method = (config.get("quantization_config") or {}).get("quant_method")
    if config["model_type"] == "deepseek":
        return deepseek_v1.load(folder, getattr(torch, dtype))
    if method == "fp8":
        with TemporaryDirectory() as scratch:
            return load(blocks.without_fp8(folder, Path(scratch) / "plain"), dtype, experts)
    unpack = {"quantization_config": Mxfp4Config(dequantize=True)} if method == "mxfp4" else {}
    model, info = AutoModelForCausalLM.from_pretrained(
        folder, dtype=getattr(torch, dtype), experts_implementation=experts, output_loading_info=True, **unpack
    )
    prediction = (
        f"model.layers.{config['num_hidden_layers']}."  # layers for multi-token prediction have no part in this
    )
    lost = [name for name in info["unexpected_keys"] if not name.startswith(prediction)]
    if lost or info["missing_keys"] or info["mismatched_keys"]:
        raise DataError(f"{folder}: transformers could not place every tensor, so its values are no reference: {info}")
    return model.eval()


def equal_lengths(rows: list[NDArray[np.int64]], most: int = 64) -> list[list[int]]:
    """Indices of rows in groups of one length, so that batches need no padding."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    groups = [list(group) for _, group in groupby(order, key=lambda i: len(rows[i]))]
    return [group[i : i + most] for group in groups for i in range(0, len(group), most)]


def record(folder: Path, rows: list[NDArray[np.int64]], dtype: str = "float32", final: bool = False) -> Golden:
    """Routing of every row of token ids under the checkpoint in `folder`.

    Rows run from the shortest to the longest: the dynamic rope scaling of transformers keeps the longest length it met.
    """
    model = load(folder, dtype)
    largest = max(int(row.max()) for row in rows)
    if largest >= model.config.vocab_size:
        raise DataError(
            f"{folder}: token {largest} of the corpus is outside its vocabulary of {model.config.vocab_size}"
        )
    found = routers(model)
    heard: dict[int, list[tuple[torch.Tensor, ...]]] = {layer: [] for layer in found}
    hooks = [
        module.register_forward_hook(lambda _module, _inputs, output, layer=layer: heard[layer].append(output))
        for layer, module in found.items()
    ]
    hidden, lm_logits = [], []
    groups = equal_lengths(rows)
    with torch.inference_mode():
        for group in groups:
            batch = torch.from_numpy(np.stack([rows[i] for i in group]))  # [prompts, length]
            output = model(batch, use_cache=False, output_hidden_states=final)
            if final:
                hidden.append(output.hidden_states[-1].flatten(0, 1))
                lm_logits.append(output.logits.flatten(0, 1))
    for hook in hooks:
        hook.remove()
    offset = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    place = np.concatenate([np.arange(offset[i], offset[i + 1]) for group in groups for i in group])
    back = torch.from_numpy(np.argsort(place))  # from the order of the batches to that of the rows
    logits, weight, expert = (
        torch.stack([torch.cat([outputs[part] for outputs in heard[layer]]) for layer in heard], dim=1)[back]
        for part in range(3)
    )  # [T, L, K], [T, L, k], [T, L, k]
    order = expert.argsort(dim=-1)
    return Golden(
        offset=offset,
        layer=np.asarray(list(heard), np.int32),
        expert=expert.gather(-1, order).to(torch.int32).numpy(),
        weight=weight.gather(-1, order).float().numpy(),
        logits=logits.float().numpy(),
        margin=torch.stack([ROUTERS[type(it)](it, logits[:, i]) for i, it in enumerate(found.values())], 1).numpy(),
        hidden=torch.cat(hidden)[back].float().numpy() if final else None,
        lm_logits=torch.cat(lm_logits)[back].float().numpy() if final else None,
    )
