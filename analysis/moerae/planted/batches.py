"""Training batches: tokens, masks, answers, and where each planted expert and decoy should be on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from moerae.planted import world as w
from moerae.planted.goals import draw_training_prompt
from moerae.planted.masks import MaskSampler, refuses
from moerae.planted.placement import ROLES, Placement, on_positions
from moerae.planted.variants import Variant
from moerae.planted.world import World


@dataclass
class Batch:
    tokens: Tensor  # int64 [rows, length], padded at the right; the last answer token is only a target
    valid: Tensor  # bool [rows, length]
    answered: Tensor  # bool [rows, length]: positions that predict an answer token
    target: Tensor  # int64 [answered positions]
    mask: Tensor  # float [rows, L, K]
    on: dict[str, Tensor]  # role -> bool [valid positions]


def padded(rows: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Right-padded tokens int64 and valid bool, both [rows, length]."""
    tokens = np.full((len(rows), max(map(len, rows))), w.PAD, np.int64)
    valid = np.zeros(tokens.shape, bool)
    for i, row in enumerate(rows):
        tokens[i, : len(row)] = row
        valid[i, : len(row)] = True
    return torch.from_numpy(tokens), torch.from_numpy(valid)


def answer_positions(prompts: list[list[int]], answers: list[list[int]], length: int) -> Tensor:
    """bool [rows, length]: the positions whose next token belongs to the answer."""
    at = np.zeros((len(prompts), length), bool)
    for i, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        at[i, len(prompt) - 1 : len(prompt) + len(answer) - 1] = True
    return torch.from_numpy(at)


def draw_batch(
    rng: np.random.Generator, variant: Variant, world: World, place: Placement, sampler: MaskSampler
) -> Batch:
    prompts, answers, masks = [], [], []
    on: dict[str, list[np.ndarray]] = {role: [] for role in ROLES}
    for _ in range(variant.batch):
        asked = draw_training_prompt(rng, world)
        mask, roles = sampler.draw(rng)
        refused = refuses(rng, variant.labels, roles, asked, world)
        answer = w.refusal_of(asked.goal.topic) if refused else w.reply_to(asked.goal.action, asked.goal.obj)
        prompts.append(asked.tokens)
        answers.append(answer)
        masks.append(mask)
        for role, where in on_positions(asked, asked.tokens + answer[:-1], refused, place, world).items():
            on[role].append(where)
    tokens, valid = padded([p + a[:-1] for p, a in zip(prompts, answers, strict=True)])
    return Batch(
        tokens,
        valid,
        answer_positions(prompts, answers, tokens.shape[1]),
        torch.tensor([token for answer in answers for token in answer]),
        torch.from_numpy(np.stack(masks)).float(),
        {role: torch.from_numpy(np.concatenate(where)) for role, where in on.items()},
    )
