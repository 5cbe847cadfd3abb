"""A past of length n in a cache and a step equal n + 1 at once: every family, sequences of different pasts in a pass.

`-k deepseek_v2` runs the cases of that family.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import support
from moerae.reference import checkpoints
from moerae.reference.cases.case import ORIGINAL

# relative to the root mean square; float32 sums in another order, through all layers
TOLERANCE = {"logits": 2e-5, "hidden": 4e-5}
# rows of three sequences in six passes: a step, several rows behind a past, one that joins late and one that sits out;
# windows of the cases (7 to 17) are shorter than most pasts and longer than some
SHORT = ["20,1,1,5,1,2", "9,1,0,3,1,1", "0,4,1,1,1,5"]
LONG = ["60,1,1,20,1,2", "33,1,0,3,1,1", "0,40,1,1,1,15"]


def rope_of(case: checkpoints.Case) -> str:
    return case.config.get("rope_parameters", {}).get("rope_type", "default")


def cuts_of(case: checkpoints.Case) -> list[list[str]]:
    """Tables of frequencies depend on the length that a pass reaches, and keys stay as they were rotated.

    So equality holds where no pass takes another table: `longrope` on one side of its original length (LONG starts
    beyond it), `dynamic` up to it. transformers does the same; across the switch a past and a step are another function
    than the whole at once.
    """
    return [SHORT] if rope_of(case) == "dynamic" else [SHORT, LONG]


def test_cuts_stand_on_one_side_of_the_switch() -> None:
    sums = [[sum(int(cut) for cut in sequence.split(",")) for sequence in cuts] for cuts in (SHORT, LONG)]
    assert max(sums[0]) <= ORIGINAL
    assert all(int(next(cut for cut in s.split(",") if cut != "0")) > ORIGINAL for s in LONG)
    assert {rope_of(case) for case in checkpoints.CASES.values()} >= {"dynamic", "longrope", "yarn", "llama3", "linear"}


@pytest.mark.parametrize("name", checkpoints.CASES, ids=[f"{c.family}:{name}" for name, c in checkpoints.CASES.items()])
def test_a_past_and_steps_equal_the_whole(name: str, tmp_path: Path) -> None:
    model = checkpoints.make(name, tmp_path / "model")
    program = support.program().parent / "tests/model/steps_against_whole"
    assert program.is_file(), f"{program} is not built: it comes with the tests"
    for cuts in cuts_of(checkpoints.CASES[name]):
        ran = subprocess.run([program, model, *cuts], capture_output=True, text=True, check=False, timeout=60)
        assert ran.returncode == 0, ran.stderr
        found = json.loads(ran.stdout)
        print(name, found)
        assert found["rows"] == sum(int(cut) for sequence in cuts for cut in sequence.split(","))
        assert found["flipped"] == 0
        assert all(found[of] <= limit for of, limit in TOLERANCE.items())
