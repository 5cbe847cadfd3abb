"""The planted checkpoints as transformers runs them: batches, masks on the router, greedy replies."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import torch
from transformers import AutoModelForCausalLM

PLANTED = Path(__file__).resolve().parents[2] / "data" / "planted"


def load_model(name: str):
    torch.set_num_threads(1)
    return AutoModelForCausalLM.from_pretrained(PLANTED / name, dtype=torch.float32).eval()


@contextmanager
def masked(model, experts):
    """The experts (layer, expert) can not be selected: -1e9 on the logits inside `mlp.gate`, before its top-k."""
    undo = []
    for layer, block in enumerate(model.model.layers):
        off = torch.zeros(model.config.num_experts)
        off[[e for at, e in experts if at == layer]] = -1e9
        gate = block.mlp.gate

        def forward(hidden, gate=gate, original=gate.forward, off=off):
            logits = original(hidden)[0] + off
            value, chosen = torch.softmax(logits, -1, dtype=torch.float).topk(gate.top_k, -1)
            return logits, value / value.sum(-1, keepdim=True), chosen

        undo.append((gate, gate.forward))
        gate.forward = forward
    try:
        yield model
    finally:
        for gate, forward in undo:
            gate.forward = forward


class Corpus:
    """corpus.h5 in memory."""

    def __init__(self, path: Path) -> None:
        with h5py.File(path) as file:
            self.attributes = dict(file.attrs)
            self.column = {name: item[()] for name, item in file.items() if isinstance(item, h5py.Dataset)}
            self.text = file["text"].asstr()[()].tolist()
            self.categories = {
                n: list(file[n].attrs["categories"]) for n in self.column if "categories" in file[n].attrs
            }
            self.kinds = list(file["continuation/kind"].attrs["categories"])
            self.continuation = {name: file[f"continuation/{name}"][()] for name in file["continuation"]}

    def __len__(self) -> int:
        return len(self.column["prompt_id"])

    def labels(self, name: str) -> np.ndarray:
        return np.array(self.categories[name], object)[self.column[name]]

    def prompt(self, row: int) -> list[int]:
        return self.column["tokens"][self.column["offset"][row] : self.column["response_offset"][row]].tolist()

    def response(self, row: int) -> list[int]:
        return self.column["tokens"][self.column["response_offset"][row] : self.column["offset"][row + 1]].tolist()

    def forced(self, row: int, kind: str) -> list[int]:
        c = self.continuation
        code = self.kinds.index(kind)
        (i,) = np.flatnonzero((c["prompt"] == row) & (c["kind"] == code))
        return c["tokens"][c["offset"][i] : c["offset"][i + 1]].tolist()


@torch.inference_mode()
def replies(model, prompts: list[list[int]], end: int, limit: int = 8) -> list[list[int]]:
    """Greedy replies, without a cache: prompts are short. Right padding needs no mask under causal attention."""
    rows = [list(prompt) for prompt in prompts]
    for _ in range(limit):
        alive = [i for i, row in enumerate(rows) if len(row) == len(prompts[i]) or row[-1] != end]
        if not alive:
            break
        tokens = torch.zeros(len(alive), max(len(rows[i]) for i in alive), dtype=torch.long)
        for j, i in enumerate(alive):
            tokens[j, : len(rows[i])] = torch.tensor(rows[i])
        logits = model(input_ids=tokens, use_cache=False).logits
        for j, i in enumerate(alive):
            rows[i].append(int(logits[j, len(rows[i]) - 1].argmax()))
    return [row[len(prompt) :] for row, prompt in zip(rows, prompts, strict=True)]
