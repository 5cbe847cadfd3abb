"""The program reads a model's config.json as transformers does: parameters of the published configs, in both dialects.

transformers builds each model on the meta device, without memory for the weights. `deepseek` (V1) is not in
transformers: tests/model/published_test.cpp has its count.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from support import ROOT, moerae
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

CONFIGS = sorted((ROOT / "tests/model/configs").glob("*.json"))
KNOWN = [path for path in CONFIGS if path.stem != "deepseek-moe-16b-base"]


def fields(path: Path) -> dict:
    config = json.loads(path.read_text())
    del config["_source"]
    return config


def plan(folder: Path) -> dict[str, str]:
    """The lines of `moerae plan`, by their first word."""
    out = moerae("plan", {"model.path": folder}).out
    return dict(re.split(r"\s{2,}", line, maxsplit=1) for line in out.splitlines())


def printed_counts(folder: Path) -> list[int]:
    return [int(n) for n in re.findall(r"\d+", plan(folder)["parameters"])]


def reference(config: dict) -> PreTrainedModel:
    plain = {key: value for key, value in config.items() if key not in ("model_type", "quantization_config")}
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(AutoConfig.for_model(config["model_type"], **plain))


def reference_counts(model: PreTrainedModel) -> list[int]:
    """All, without embeddings, active per token, active without embeddings."""
    config = model.config
    ends = (model.get_input_embeddings(), model.get_output_embeddings())
    embeddings = sum({id(p): p.numel() for end in ends for p in end.parameters()}.values())  # tied: once
    total = sum(p.numel() for p in model.parameters())
    assert total == model.num_parameters()
    experts = sum(p.numel() for name, p in model.named_parameters() if ".experts." in name)
    count = next(
        n for key in ("num_experts", "num_local_experts", "n_routed_experts") if (n := getattr(config, key, None))
    )
    active = total - experts // count * (count - config.num_experts_per_tok)
    return [total, total - embeddings, active, active - embeddings]


@pytest.mark.parametrize("path", KNOWN, ids=lambda path: path.stem)
def test_counts_are_those_of_transformers(path: Path, tmp_path: Path) -> None:
    config = fields(path)
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert printed_counts(tmp_path) == reference_counts(reference(config))


@pytest.mark.parametrize("path", KNOWN, ids=lambda path: path.stem)
def test_config_saved_by_transformers_is_the_same_plan(path: Path, tmp_path: Path) -> None:
    config = fields(path)
    config.pop("quantization_config", None)
    published, saved = tmp_path / "published", tmp_path / "saved"
    published.mkdir()
    (published / "config.json").write_text(json.dumps(config))
    plain = {key: value for key, value in config.items() if key != "model_type"}
    AutoConfig.for_model(config["model_type"], **plain).save_pretrained(saved)
    written = json.loads((saved / "config.json").read_text())
    assert "rope_parameters" in written and "rope_theta" not in written  # it is the other dialect
    ours, theirs = plan(published), plan(saved)
    assert ours.pop("model").split()[1:] == theirs.pop("model").split()[1:]  # apart from the folder
    assert ours == theirs


def test_every_published_config_is_covered() -> None:
    assert len(CONFIGS) == 19
