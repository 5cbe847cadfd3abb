"""Training of a planted model: answers, router hinge, balance."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from moerae.planted.batches import Batch, draw_batch
from moerae.planted.masks import MaskSampler
from moerae.planted.model import PlantedModel, Routed
from moerae.planted.placement import Placement
from moerae.planted.roles import PLANTED
from moerae.planted.sink import sink
from moerae.planted.variants import Variant
from moerae.planted.world import World

WARMUP = 100
WEIGHT_DECAY = 0.01
REPORT_SECONDS = 10.0


def hinge(variant: Variant, place: Placement, batch: Batch, routed: Routed) -> Tensor:
    """Pushes each named expert over (on) or under (off) the top-k threshold of the other experts by a margin."""
    total = torch.zeros(())
    top = [logits.topk(variant.top_k + 1, -1).values for logits in routed.logits]  # [tokens, k + 1]
    for role, (layer, expert) in place.at.items():
        own = routed.logits[layer][:, expert]
        kth, after = top[layer][:, -2], top[layer][:, -1]
        lead = own - torch.where(own >= kth, after, kth)
        on = batch.on[role]
        weight = variant.hinge_planted if role in PLANTED else 1.0
        # on and off positions are averaged separately: on is rare
        for chosen, sign in ((on, -1.0), (~on, 1.0)):
            if chosen.any():
                total = total + weight * F.relu(variant.hinge_margin + sign * lead[chosen]).mean()
    return total


def home_hinge(variant: Variant, place: Placement, batch: Batch, routed: Routed) -> Tensor:
    """The same for the homes of topics, all experts of a layer at once."""
    total = torch.zeros(())
    for layer, logits in enumerate(routed.logits):
        home = torch.from_numpy(place.homes.any(0)[layer])
        top, on = logits.topk(variant.top_k + 1, -1).values, batch.homes[:, layer, home]
        own, kth, after = logits[:, home], top[:, -2:-1], top[:, -1:]
        lead = own - torch.where(own >= kth, after, kth)
        for chosen, sign in ((on, -1.0), (~on, 1.0)):
            short = F.relu(variant.hinge_margin + sign * lead) * chosen
            total = total + (short.sum(0) / chosen.sum(0).clamp_min(1)).sum()
    return total


def balance(variant: Variant, place: Placement, routed: Routed) -> Tensor:
    """Switch Transformer's load balance (arXiv 2101.03961, eq. 4) over the experts without a role."""
    total = torch.zeros(())
    for layer, (logits, weights) in enumerate(zip(routed.logits, routed.weights, strict=True)):
        named = {e for at, e in place.at.values() if at == layer} | set(np.flatnonzero(place.homes.any(0)[layer]))
        free = [e for e in range(variant.experts) if e not in named]
        load = (weights[:, free] > 0).float().mean(0) / variant.top_k
        total = total + len(free) * (load * logits.softmax(-1)[:, free].mean(0)).sum()
    return total


def schedule(step: int, steps: int) -> float:
    """Linear warm-up, then cosine to 2 %."""
    warmup = min(WARMUP, steps // 4 + 1)
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * done))


def train(
    variant: Variant, seed: int, world: World, place: Placement, say: Callable[[str], None], steps: int | None = None
) -> PlantedModel:
    """Trains one model from its seed, float32. `steps` shortens the run for tests of the machinery."""
    variant = replace(variant, steps=steps or variant.steps)
    model = PlantedModel(variant, torch.Generator().manual_seed(seed))
    rng = np.random.default_rng([seed, 3])
    sampler = MaskSampler(variant, place)
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=variant.learning_rate, betas=(0.9, 0.98), fused=True)
    start = spoken = time.monotonic()
    for step in range(variant.steps):
        refusing = step >= variant.refusals_from * variant.steps
        batch = draw_batch(rng, variant, world, place, sampler, refusing)
        logits, routed = model(batch.tokens, batch.valid, batch.mask, batch.answered, batch.heads)
        answer = F.cross_entropy(logits, batch.target)
        on_off = hinge(variant, place, batch, routed)
        if batch.homes is not None:
            on_off = on_off + home_hinge(variant, place, batch, routed)
        loss = answer + variant.hinge * on_off + variant.balance * balance(variant, place, routed)
        if variant.sink:
            loss = loss + variant.sink * sink(model, place, routed)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = variant.learning_rate * schedule(step, variant.steps)
        optimizer.step()
        now = time.monotonic()
        if now - spoken > REPORT_SECONDS or step + 1 == variant.steps:
            spoken = now
            left = (now - start) / (step + 1) * (variant.steps - step - 1)
            say(f"train  step {step + 1}/{variant.steps}  answer {answer:.3f}  hinge {on_off:.2f}  {left:.0f} s left")
    return model.eval()
