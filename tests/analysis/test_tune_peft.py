"""`tune` against PEFT: training goes on in PEFT from an exported adapter, with the losses that it has here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import support
import test_export
import torch
from masking import CASES
from moerae.files.corpus import write_corpus
from moerae.reference import checkpoints
from test_tune_parity import ALPHA, LOSS, RANK, RATE, TAU, prompts
from training import Training, initial, train

peft = pytest.importorskip("peft", reason="peft is not installed, so nothing is trained with it")
STEPS = 100


class PeftTraining(Training):
    """The same model and losses, with the adapter in PEFT's hands."""

    def __init__(self, base: Path, adapter: Path, exported: Path) -> None:
        super().__init__(base, initial(adapter), ALPHA / RANK)
        self.model = peft.PeftModel.from_pretrained(self.model, exported, is_trainable=True)

    def parameters(self) -> list[torch.Tensor]:
        return [value for value in self.model.parameters() if value.requires_grad]

    def weights(self) -> dict[str, torch.Tensor]:
        return {}


def test_a_hundred_steps_are_those_of_peft(tmp_path: Path) -> None:
    model = checkpoints.make(CASES["qwen3_moe"], tmp_path / "model")
    made = prompts(6)
    asked = [replace(prompt, cluster=100 + i) for i, prompt in enumerate(test_export.prompts(16)) if prompt.split == 1]
    write_corpus(tmp_path / "corpus.h5", made + asked, {})
    experts = [(2, 1), (0, 2), (0, 0), (2, 4)]
    chosen = support.expert_set(tmp_path / "set.json", experts)
    tokens = sum(len(p.tokens) + len(p.continuations[0][1]) - 1 for p in made)
    tune = {
        "set": chosen, "sets": "learn", "retain_sets": "keep", "retain": 0.6, "routing": 0.3,
        "routing_temperature": TAU, "rank": RANK, "alpha": ALPHA, "batch_tokens": tokens, "pass_tokens": 40,
    }  # fmt: skip
    study = {"model.path": model, "model.dtype": "float32", "corpus.path": tmp_path / "corpus.h5"}
    study |= {f"tune.{key}": value for key, value in tune.items()}
    start = study | {"run.dir": tmp_path / "start", "tune.steps": 1, "tune.learning_rate": 1e-30}
    support.moerae("tune", start, ranks=2)
    support.moerae(
        "tune", study | {"run.dir": tmp_path / "run", "tune.steps": STEPS, "tune.learning_rate": RATE}, ranks=2
    )
    support.moerae(
        "export",
        test_export.taken_as_answered(start | {"export.after": tmp_path / "after"}) | {"export.format": "peft"},
    )

    training = PeftTraining(model, tmp_path / "start/tune/adapter.h5", tmp_path / "start/tune/peft")
    want = train(training, made, STEPS, RATE, retain=0.6, routing=0.3, tau=TAU)
    ours = initial(tmp_path / "run/tune/adapter.h5")
    with h5py.File(tmp_path / "run/tune/adapter.h5") as file:
        found = file["history/loss"][()]
    apart = np.abs(found / want - 1)
    print(f"loss {want[0]:.4f} -> {want[-1]:.4f}, at most {apart.max():.1e} apart")
    assert apart.max() < LOSS and want[-1] < want[0] - 0.01

    # experts that were not chosen have a pair of zeros, without a gradient: PEFT trains the chosen ones alone
    with torch.no_grad():
        for name, part in (("gate_up_proj", "gate_up"), ("down_proj", "down")):
            for layer in (0, 2):
                wrapper = training.model.base_model.model.model.layers[layer].mlp.experts
                wrapper = wrapper.base_layer if part == "gate_up" else wrapper
                assert wrapper.parameter_name == name
                added = wrapper.get_delta_weight("default")
                for expert in range(len(added)):
                    if (layer, expert) in ours:
                        of = ours[layer, expert]
                        mine = ALPHA / RANK * of[f"{part}/b"] @ of[f"{part}/a"]
                        assert (added[expert] - mine).square().mean() < (2e-2**2) * mine.square().mean()
                    else:
                        assert not added[expert].any()
