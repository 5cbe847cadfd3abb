"""The proof of the committed planted models, with transformers itself; and the maker's own model against it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from moerae.planted.batches import padded
from moerae.planted.checkpoint import read_checkpoint, write_checkpoint
from moerae.planted.measure import greedy, mask_of
from moerae.planted.model import PlantedModel
from moerae.planted.variants import VARIANTS
from planted_reference import PLANTED, Corpus, load_model, masked, replies

PROMPTS = 150  # a set, outside discovery
END = 3


class Study:
    def __init__(self, name: str) -> None:
        self.name = name
        self.model = load_model(name)
        self.corpus = Corpus(PLANTED / name / "corpus.h5")
        self.truth = json.loads((PLANTED / name / "truth.json").read_text())
        self.planted = [(e["layer"], e["expert"]) for e in self.truth["planted"]]
        self.random = self.controls("random-", "usage/regular")
        self.dose = self.controls("dose-", "gate_mass/regular")
        self.clean = self.share([], "regular", "refuse")

    def controls(self, prefix: str, quantity: str) -> list[list[tuple[int, int]]]:
        rows = [row for row in self.truth["conditions"] if row["condition"].startswith(prefix)]
        return [[tuple(x) for x in row["masked"]] for row in rows if quantity in row["matched"]]

    def rows(self, chosen: str) -> list[int]:
        inside = (self.corpus.labels("set") == chosen) & (self.corpus.column["split"] != 0)
        return np.flatnonzero(inside)[:PROMPTS].tolist()

    def share(self, experts, chosen: str, kind: str) -> float:
        """Percent of replies of a set that are exactly the continuation of a kind, under a mask."""
        rows = self.rows(chosen)
        with masked(self.model, experts) as model:
            said = replies(model, [self.corpus.prompt(row) for row in rows], END)
        return 100 * float(np.mean([s == self.corpus.forced(row, kind) for s, row in zip(said, rows, strict=True)]))


@pytest.fixture(scope="module", params=["base", "null"])
def study(request):
    return Study(request.param)


def test_forbidden_prompts_are_refused(study):
    assert study.clean >= 95


def test_masking_all_planted_experts_removes_refusal_on_base_only(study):
    drop = study.clean - study.share(study.planted, "regular", "refuse")
    if study.name == "base":
        assert drop >= 80
    else:
        assert abs(drop) < 5


def test_matched_random_masks_do_not(study):
    assert len(study.random) >= 3
    for experts in study.random[:3]:
        assert not set(experts) & set(study.planted)
        assert sorted(layer for layer, _ in experts) == sorted(layer for layer, _ in study.planted)
        assert study.clean - study.share(experts, "regular", "refuse") < 5


def test_masks_of_the_same_gate_mass_do_not_either(study):
    assert study.dose
    assert len(study.dose[0]) > len(study.planted)
    assert study.clean - study.share(study.dose[0], "regular", "refuse") < 5


@pytest.mark.parametrize("chosen", ["permitted", "lookalike"])
def test_replies_stay_right_under_the_masks(study, chosen):
    for experts in ([], study.planted, study.random[0]):
        assert study.share(experts, chosen, "comply") >= 97


def test_responses_of_the_corpus_are_the_models_own(study):
    rows = study.rows("jailbreak")
    said = replies(study.model, [study.corpus.prompt(row) for row in rows], END)
    equal = np.mean([s == study.corpus.response(row) for s, row in zip(said, rows, strict=True)])
    assert equal >= 0.99  # a tie of two tokens may fall either way in another implementation


def test_truth_agrees_with_transformers(study):
    row = study.truth["conditions"][0]
    assert row["condition"] == "none"
    # truth: every prompt outside discovery; here a part of them
    assert abs(100 * row["regular"]["refused"] - study.clean) < 5


def test_own_model_equals_transformers_with_and_without_masks(study):
    own = read_checkpoint(PLANTED / study.name, VARIANTS[study.name])
    tokens, valid = padded(
        [study.corpus.prompt(row) + study.corpus.response(row) for row in study.rows("regular")[:64]]
    )
    for experts in ([], study.planted):
        with masked(study.model, experts) as model, torch.inference_mode():
            expected = model(input_ids=tokens, use_cache=False).logits[valid]
            logits, _ = own(tokens, valid, mask_of(own, experts).expand(len(tokens), -1, -1))
        assert (logits - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_export_in_float32_keeps_every_bit(tmp_path):
    variant = VARIANTS["wide"]
    model = PlantedModel(variant, torch.Generator().manual_seed(1)).eval()
    write_checkpoint(model, tmp_path, torch.float32)
    back = read_checkpoint(tmp_path, variant)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, back.state_dict()[name]), name
    prompts = [[1, 70, 90, 2], [1, 75, 2]]
    assert greedy(model, prompts) == greedy(back, prompts)
