"""Expert-only training of the models of transformers by autograd: what `moerae tune` is compared with."""

from __future__ import annotations

import math
from pathlib import Path

import h5py
import torch
from moerae.files.corpus import Prompt
from moerae.reference import golden
from torch.func import functional_call

Expert = tuple[int, int]  # layer, expert


def initial(adapter: Path) -> dict[Expert, dict[str, torch.Tensor]]:
    """The tensors of an adapter, by expert."""
    with h5py.File(adapter) as file:
        keys = list(zip(file["layer"][()].tolist(), file["expert"][()].tolist(), strict=True))
        names = [f"{a}/{b}" for a in ("gate_up", "down") for b in ("a", "b", "delta") if f"{a}/{b}" in file]
        return {key: {name: torch.from_numpy(file[name][i]) for name in names} for i, key in enumerate(keys)}


class Training:
    """One model, its trained tensors, and the loss of all examples at once."""

    def __init__(self, folder: Path, values: dict[Expert, dict[str, torch.Tensor]], scale: float) -> None:
        self.model = golden.load(folder, "float32").requires_grad_(False)
        self.values = {e: {n: v.clone().requires_grad_() for n, v in of.items()} for e, of in values.items()}
        self.scale = scale
        self.base = dict(self.model.named_parameters())
        self.logits: dict[int, torch.Tensor] = {}
        for layer, router in golden.routers(self.model).items():
            router.register_forward_hook(lambda _m, _i, out, layer=layer: self.logits.__setitem__(layer, out[0]))

    def parameters(self) -> list[torch.Tensor]:
        return [value for of in self.values.values() for value in of.values()]

    def added(self, expert: Expert, part: str) -> torch.Tensor:
        """[out, in], gate rows first."""
        of = self.values[expert]
        return of[f"{part}/delta"] if f"{part}/delta" in of else self.scale * of[f"{part}/b"] @ of[f"{part}/a"]

    def weights(self) -> dict[str, torch.Tensor]:
        """What takes the place of the model's own parameters."""
        out: dict[str, torch.Tensor] = {}
        for layer, expert in self.values:
            both, down = (self.added((layer, expert), part) for part in ("gate_up", "down"))
            own = f"experts.{expert}."
            for name in self.base:
                if f".layers.{layer}." not in name or "shared" in name or "bias" in name:
                    continue
                current = out.get(name, self.base[name])
                if name.endswith(f"{own}gate_proj.weight"):
                    out[name] = current + both.chunk(2)[0]
                elif name.endswith(f"{own}up_proj.weight"):
                    out[name] = current + both.chunk(2)[1]
                elif name.endswith(f"{own}down_proj.weight"):
                    out[name] = current + down
                elif name.endswith("experts.gate_up_proj"):
                    out[name] = with_row(current, expert, self._as_stored(name, both, alternating=True))
                elif name.endswith("experts.down_proj"):
                    out[name] = with_row(current, expert, self._as_stored(name, down, alternating=False))
        return out

    def _as_stored(self, name: str, added: torch.Tensor, alternating: bool) -> torch.Tensor:
        """gpt_oss keeps [in, out], and gate and up in turn."""
        if self.model.config.model_type != "gpt_oss":
            return added
        if alternating:
            added = torch.stack(added.chunk(2), 1).flatten(0, 1)
        return added.T

    def run(self, prompt: Prompt, weights: dict[str, torch.Tensor]) -> tuple[torch.Tensor, dict[int, torch.Tensor]]:
        """Logits [reply, V] that predict the reply, and those of the routers [K] at the last token of the prompt."""
        reply = prompt.continuations[0][1]
        ids = torch.tensor([prompt.tokens + reply[:-1]])
        logits = functional_call(self.model, weights, (ids,), {"use_cache": False}).logits[0]
        last = len(prompt.tokens) - 1
        heard = {layer: of.flatten(0, -2)[last] for layer, of in self.logits.items()}
        return logits[last:].float(), heard

    def reference(self, prompts: list[Prompt]) -> list[tuple[torch.Tensor, dict[int, torch.Tensor]]]:
        with torch.no_grad():
            return [self.run(prompt, {}) for prompt in prompts]

    def loss(self, prompts, base, retain: float, routing: float, tau: float) -> torch.Tensor:
        weights = self.weights()
        lowest = min(layer for layer, _ in self.values)
        learn, keep, routed = [], [], []
        for prompt, (old, heard) in zip(prompts, base, strict=True):
            logits, now = self.run(prompt, weights)
            log_q = logits.log_softmax(-1)
            if prompt.set == "keep":
                log_p = old.log_softmax(-1)
                keep.append((log_p.exp() * (log_p - log_q)).sum(-1))
            else:
                learn.append(-log_q[range(len(log_q)), prompt.continuations[0][1]])
            for layer in (layer for layer in now if layer > lowest):
                log_p, log_q = ((of.float() / tau).log_softmax(-1) for of in (heard[layer], now[layer]))
                routed.append((log_p.exp() * (log_p - log_q)).sum())
        total = torch.cat(learn).mean() + retain * torch.cat(keep).mean()
        return total + routing * torch.stack(routed).mean() if routed else total


def with_row(of: torch.Tensor, expert: int, added: torch.Tensor) -> torch.Tensor:
    return torch.cat([of[:expert], (of[expert] + added)[None], of[expert + 1 :]])


def train(training: Training, prompts: list[Prompt], steps: int, rate: float, **weights: float) -> list[float]:
    """AdamW with cosine decay and clipping to 1, all examples in every step; the loss before each step."""
    base = training.reference(prompts)
    optimiser = torch.optim.AdamW(training.parameters(), lr=rate, weight_decay=0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps)))
    history = []
    for _ in range(steps):
        optimiser.zero_grad()
        loss = training.loss(prompts, base, **weights)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(training.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        history.append(float(loss.detach()))
    return history
