"""Replies are those of `generate` of transformers (greedy, batch 1, unpadded), plain and with masked experts.

Every family, latent attention, windows and packed experts among the cases. A token may differ where float32 cannot
tell: a gap of the two best logits, or a margin of a router on the way, below 1e-5.

`-k olmoe` runs the case of that family.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest
import support
import torch
from masking import CASES, mask
from moerae.files.corpus import Prompt, write_corpus
from moerae.reference import checkpoints, golden
from moerae.reference.routers import ROUTERS

CLOSE = 1e-5
NEW_TOKENS, LENGTHS = 12, (3, 15, 1, 8, 11, 2, 6)  # the longest with its reply stays below the rope length of the cases


@dataclass
class Said:
    tokens: list[int]
    experts: np.ndarray  # [T, L, k] of prompt and reply


def unclear(model: torch.nn.Module, row: list[int], reply: list[int]) -> bool:
    """Whether float32 can not say what comes next anywhere on the way through the reply."""
    margins: list[float] = []
    hooks = [
        router.register_forward_hook(lambda it, _, out: margins.append(float(ROUTERS[type(it)](it, out[0]).min())))
        for router in golden.routers(model).values()
    ]
    logits = model(torch.tensor([row + reply]), use_cache=False).logits[0, len(row) - 1 :]
    for hook in hooks:
        hook.remove()
    best = logits.topk(2, dim=-1).values
    return min(margins) < CLOSE or float((best[:, 0] - best[:, 1]).min()) < CLOSE


def replies(folder: Path, rows: int) -> dict[int, Said]:
    found = {}
    for path in sorted(folder.glob("shard-*.h5")):
        with h5py.File(path) as file:
            offset, routed = file["reply/offset"][()], file["routing/offset"][()]
            for i, prompt in enumerate(file["prompt_id"][()].tolist()):
                tokens = file["reply/tokens"][offset[i] : offset[i + 1]].tolist()
                found[prompt] = Said(tokens, file["routing/expert"][routed[i] : routed[i + 1]])
    assert sorted(found) == list(range(rows))
    return found


@pytest.mark.parametrize("family", CASES)
def test_replies_are_those_of_transformers(family: str, tmp_path: Path) -> None:
    model = checkpoints.make(CASES[family], tmp_path / "model")
    random = np.random.default_rng(3)
    rows = [random.integers(2, checkpoints.VOCABULARY, n).tolist() for n in LENGTHS]
    prompts = [Prompt(row, "a", i, (0, len(row)), split=1) for i, row in enumerate(rows)]
    write_corpus(tmp_path / "corpus.h5", prompts, {})
    reference = golden.load(model, "float32")
    layers = list(golden.routers(reference))
    chosen = [(layers[0], 1), (layers[-1], 2)]
    support.expert_set(tmp_path / "two.json", chosen)
    study = support.recording(model, tmp_path / "corpus.h5", tmp_path / "run", expert=2)
    study = {key: value for key, value in study.items() if not key.startswith("record.")} | {
        "evaluate.conditions": f"mask:{tmp_path}/two.json",
        "evaluate.controls": 0,
        "evaluate.max_new_tokens": NEW_TOKENS,
        "evaluate.sequences": 3,
        "evaluate.shard_prompts": 4,
        "evaluate.routing": "true",
        "evaluate.keep": "ids",
    }
    support.moerae("evaluate", study, ranks=2)
    changed = excused = 0
    plain = replies(tmp_path / "run/evaluate/none", len(rows))
    (folder,) = (tmp_path / "run/evaluate").glob("mask-two-*")
    for found, edit in ((plain, []), (replies(folder, len(rows)), chosen)):
        mask(reference, edit)
        for i, row in enumerate(rows):
            with torch.inference_mode():
                whole = reference.generate(
                    torch.tensor([row]), do_sample=False, max_new_tokens=NEW_TOKENS, eos_token_id=1, pad_token_id=0
                )
                want = whole[0, len(row) :].tolist()
                if found[i].tokens != want:
                    assert unclear(reference, row, want), f"prompt {i}, masked {edit}: {found[i].tokens}, not {want}"
                    excused += 1
            changed += found[i].tokens != plain[i].tokens
            assert found[i].experts.shape[0] == len(row) + len(found[i].tokens)
            for layer, expert in edit:
                at = list(golden.routers(reference)).index(layer)
                assert not (found[i].experts[:, at] == expert).any()
    print(f"{family}: {changed} of {len(rows)} replies changed by the mask, {excused} too close to call")
    assert excused <= 1
    assert changed > 0
