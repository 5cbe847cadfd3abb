"""What a model does with prompts under a mask: exact outcomes of greedy decoding, and refusal margins.

Outcomes come from teacher forcing: greedy decoding gives a reply exactly when each of its tokens is the most probable
one after the tokens before it. So two passes (refusal, right reply) decide what decoding would say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from moerae.planted import world as w
from moerae.planted.batches import answer_positions, padded
from moerae.planted.goals import Asked
from moerae.planted.model import PlantedModel

Expert = tuple[int, int]  # layer, expert
Head = tuple[int, int]  # layer, attention head
MAX_NEW_TOKENS = 8
CHUNK = 128  # prompts at a time: the experts' activations stay in cache, twice as fast


@dataclass(frozen=True)
class Forced:
    """One reply teacher-forced after every prompt of a set, ready to run under any mask."""

    tokens: Tensor
    valid: Tensor
    at: Tensor
    target: Tensor  # int64 [prompts, reply length]


@dataclass(frozen=True)
class Outcome:
    """Per prompt. `opened`: the first word is a refusal's; `refused`, `right`: the whole reply is exact."""

    opened: np.ndarray  # bool
    refused: np.ndarray  # bool
    right: np.ndarray  # bool
    margin: np.ndarray  # mean log p of the refusal's tokens minus that of the right reply's, nats
    decision: np.ndarray  # log p that a refusal opens minus that of the right reply's first word, nats


def force(prompts: list[list[int]], replies: list[list[int]]) -> Forced:
    tokens, valid = padded([p + r[:-1] for p, r in zip(prompts, replies, strict=True)])
    return Forced(tokens, valid, answer_positions(prompts, replies, tokens.shape[1]), torch.tensor(replies))


@dataclass(frozen=True)
class Probe:
    """The prompts of one set with their refusals and right replies."""

    refuse: Forced
    comply: Forced

    @classmethod
    def of(cls, asked: list[Asked]) -> Probe:
        prompts = [a.tokens for a in asked]
        refusals = [w.refusal_of(a.goal.topic) for a in asked]
        replies = [w.reply_to(a.goal.action, a.goal.obj) for a in asked]
        return cls(force(prompts, refusals), force(prompts, replies))


def mask_of(model: PlantedModel, experts: list[Expert]) -> Tensor:
    """float [1, L, K]: 1 where masked."""
    mask = torch.zeros(1, model.v.layers, model.v.experts)
    for layer, expert in experts:
        mask[0, layer, expert] = 1.0
    return mask


def heads_of(model: PlantedModel, heads: list[Head]) -> Tensor | None:
    """float [1, L, H]: 1 where masked."""
    if not heads:
        return None
    mask = torch.zeros(1, model.v.layers, model.v.heads)
    for layer, head in heads:
        mask[0, layer, head] = 1.0
    return mask


@torch.inference_mode()
def score(
    model: PlantedModel, forced: Forced, mask: Tensor, heads: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Mean log p of each reply [prompts], the most probable tokens [prompts, reply length], log p of every first word
    [prompts, vocabulary]."""
    parts = []
    for start in range(0, len(forced.tokens), CHUNK):
        part = slice(start, start + CHUNK)
        tokens, target = forced.tokens[part], forced.target[part]
        logits, _ = model(tokens, forced.valid[part], mask.expand(len(tokens), -1, -1), forced.at[part], heads)
        logp = logits.log_softmax(-1).view(*target.shape, -1)
        parts.append((logp.gather(-1, target[..., None])[..., 0].mean(-1), logp.argmax(-1), logp[:, 0]))
    mean, best, first = (torch.cat(part) for part in zip(*parts, strict=True))
    return mean, best, first


def decisions(first: Tensor, comply: Forced) -> np.ndarray:
    """Log p that a refusal opens minus that of the right reply's first word; first: log p [prompts, vocabulary]."""
    opens = first[:, torch.tensor(w.REFUSAL_OPENINGS)].logsumexp(-1)
    return (opens - first.gather(-1, comply.target[:, :1])[:, 0]).double().numpy()


def replies(model: PlantedModel, probe: Probe, experts: list[Expert]) -> tuple[np.ndarray, np.ndarray]:
    """Whether the whole right reply comes, bool [prompts], and the decisions: what one pass tells."""
    _, replied, first = score(model, probe.comply, mask_of(model, experts))
    return (replied == probe.comply.target).all(-1).numpy(), decisions(first, probe.comply)


def measure(model: PlantedModel, probe: Probe, experts: list[Expert], heads: list[Head] | None = None) -> Outcome:
    mask, off = mask_of(model, experts), heads_of(model, heads or [])
    refuse, said, first = score(model, probe.refuse, mask, off)
    comply, replied, _ = score(model, probe.comply, mask, off)
    openings = torch.tensor(w.REFUSAL_OPENINGS)
    return Outcome(
        torch.isin(said[:, 0], openings).numpy(),
        (said == probe.refuse.target).all(-1).numpy(),
        (replied == probe.comply.target).all(-1).numpy(),
        (refuse - comply).double().numpy(),
        decisions(first, probe.comply),
    )


@torch.inference_mode()
def greedy(model: PlantedModel, prompts: list[list[int]]) -> list[list[int]]:
    """Greedy replies, the end token included where it came within 8 tokens."""
    rows = [list(prompt) for prompt in prompts]
    open_rows = list(range(len(rows)))
    for _ in range(MAX_NEW_TOKENS):
        tokens, valid = padded([rows[i] for i in open_rows])
        last = torch.zeros_like(valid)
        last[torch.arange(len(open_rows)), valid.sum(-1) - 1] = True
        logits, _ = model(tokens, valid, at=last)
        for i, token in zip(open_rows, logits.argmax(-1).tolist(), strict=True):
            rows[i].append(token)
        open_rows = [i for i in open_rows if rows[i][-1] != w.END]
        if not open_rows:
            break
    return [row[len(prompt) :] for row, prompt in zip(rows, prompts, strict=True)]


@torch.inference_mode()
def usage(model: PlantedModel, asked: list[Asked]) -> tuple[np.ndarray, np.ndarray]:
    """Selections and gate mass per token, both [L, K], over the prompts."""
    tokens, valid = padded([a.tokens for a in asked])
    _, routed = model(tokens, valid)
    weights = torch.stack(routed.weights, 1)  # [tokens, L, K]
    return (weights > 0).double().mean(0).numpy(), weights.double().mean(0).numpy()
