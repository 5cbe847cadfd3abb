"""The README's steps for adding a family, checked for every family there is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from moerae.reference.cases import CASES

ROOT = Path(__file__).resolve().parents[2]
FAMILIES = ROOT / "src/model/families"


def registered() -> set[str]:
    return set(re.findall(r'Family\{"(\w+)"', (FAMILIES / "registry.cpp").read_text()))


def test_there_are_families() -> None:
    assert {"qwen3_moe", "olmoe"} <= registered()


@pytest.mark.parametrize("family", sorted(registered()))
def test_steps_of_the_readme(family: str) -> None:
    source = FAMILIES / f"{family}.cpp"
    assert source.is_file(), f"step 1: {source.name} is missing"
    lines = len(source.read_text().splitlines())
    assert lines < 120, f"step 1: {source.name} has {lines} lines; a family is data"
    assert f"void plan_{family}(Config const&, ModelPlan&)" in (FAMILIES / "family.hpp").read_text(), "step 2"
    assert f"families/{family}.cpp" in (ROOT / "src/model/CMakeLists.txt").read_text(), "step 2"
    assert any(case.family == family for case in CASES.values()), "step 3: no reference case"
    configs = [json.loads(path.read_text()) for path in (ROOT / "tests/model/configs").glob("*.json")]
    assert any(config["model_type"] == family for config in configs), "step 4: no published config"
    readme = (ROOT / "README.md").read_text()
    assert re.search(rf"^\| `{family}` \|", readme, re.M), "step 5: no row in the README"
