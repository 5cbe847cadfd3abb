"""The logits of the next token are those of transformers: every family, tied and scaled heads and heads with a bias.

`-k phimoe` runs the cases of that family.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import support
from moerae.reference import checkpoints, golden

# of the root mean square of all logits; float32 sums in another order, through all layers
TOLERANCE = 1e-4


@pytest.mark.parametrize("name", checkpoints.CASES, ids=[f"{c.family}:{name}" for name, c in checkpoints.CASES.items()])
def test_logits_are_those_of_transformers(name: str, tmp_path: Path) -> None:
    model = checkpoints.make(name, tmp_path / "model")
    tokens = np.random.default_rng(7).integers(0, checkpoints.VOCABULARY, 24)
    want = golden.record(model, [tokens], final=True).lm_logits
    assert want is not None
    program = support.program().parent / "tests/model/logits_of"
    assert program.is_file(), f"{program} is not built: it comes with the tests"
    command = [program, model, ",".join(map(str, tokens))]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
    found = np.asarray(json.loads(ran.stdout))
    assert found.shape == want.shape
    apart = np.abs(found - want).max() / np.sqrt(np.mean(want**2))
    print(f"{name}: {apart:.1e}")
    assert apart <= TOLERANCE


def test_the_cases_have_every_kind_of_head(tmp_path: Path) -> None:
    configs = [
        json.loads((checkpoints.make(name, tmp_path / name) / "config.json").read_text()) for name in checkpoints.CASES
    ]
    assert any(config.get("tie_word_embeddings") for config in configs)
    assert any(config.get("logits_scaling", 1) != 1 for config in configs)
    assert any(config.get("lm_head_bias") for config in configs)
