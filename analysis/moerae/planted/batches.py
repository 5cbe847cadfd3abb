"""Training batches: tokens, masks, answers, and where each planted expert and decoy should be on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from moerae.planted import world as w
from moerae.planted.goals import draw_training_prompt
from moerae.planted.masks import HEAD, MaskSampler, refuses
from moerae.planted.placement import Placement, home_positions, on_positions
from moerae.planted.variants import Variant
from moerae.planted.world import World


@dataclass
class Batch:
    tokens: Tensor  # int64 [rows, length], padded at the right; the last answer token is only a target
    valid: Tensor  # bool [rows, length]
    answered: Tensor  # bool [rows, length]: positions that predict an answer token
    target: Tensor  # int64 [answered positions]
    mask: Tensor  # float [rows, L, K]
    heads: Tensor | None  # float [rows, L, H], where heads are masked at all
    on: dict[str, Tensor]  # role -> bool [valid positions]
    homes: Tensor | None  # bool [valid positions, L, K], where topics have homes


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


def head_mask(variant: Variant, head: tuple[int, int], off: list[bool]) -> Tensor:
    """float [rows, L, H]: 1 at the head in the rows where it is off."""
    mask = torch.zeros(len(off), variant.layers, variant.heads)
    mask[:, head[0], head[1]] = torch.tensor(off).float()
    return mask


def draw_batch(
    rng: np.random.Generator,
    variant: Variant,
    world: World,
    place: Placement,
    sampler: MaskSampler,
    refusing: bool = True,
) -> Batch:
    prompts, answers, masks, off, homes = [], [], [], [], []
    on: dict[str, list[np.ndarray]] = {role: [] for role in place.at}
    for _ in range(variant.batch):
        asked = draw_training_prompt(rng, world)
        mask, roles = sampler.draw(rng)
        refused = refuses(rng, variant.labels, roles, asked, world) and refusing
        answer = w.refusal_of(asked.goal.topic) if refused else w.reply_to(asked.goal.action, asked.goal.obj)
        prompts.append(asked.tokens)
        answers.append(answer)
        masks.append(mask)
        off.append(HEAD in roles)
        if variant.homes:
            homes.append(home_positions(asked, asked.tokens + answer[:-1], place))
        for role, where in on_positions(asked, asked.tokens + answer[:-1], refused, place, world).items():
            on[role].append(where)
    tokens, valid = padded([p + a[:-1] for p, a in zip(prompts, answers, strict=True)])
    return Batch(
        tokens,
        valid,
        answer_positions(prompts, answers, tokens.shape[1]),
        torch.tensor([token for answer in answers for token in answer]),
        torch.from_numpy(np.stack(masks)).float(),
        head_mask(variant, place.head, off) if any(off) else None,
        {role: torch.from_numpy(np.concatenate(where)) for role, where in on.items()},
        torch.from_numpy(np.concatenate(homes)) if homes else None,
    )
