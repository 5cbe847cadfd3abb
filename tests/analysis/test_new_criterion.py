"""What a criterion needs besides its row, checked for every row there is.

The suite, the keys, the report and the property tests take the table itself.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import support

CONTRAST = support.ROOT / "src/reduce/contrast"
TABLE = (CONTRAST / "criteria.cpp").read_text()
ROWS = re.findall(r'^    \{"(\w+)", "', TABLE, re.M)


def test_the_table_is_what_the_program_knows() -> None:
    assert len(ROWS) > 5
    said = support.moerae("reduce --help", {}).out
    known = re.search(r"contrast\.criteria\b.*?(?=\n  --|\n  [a-z]+\.)", said, re.S)
    assert known, "the help of reduce does not list contrast.criteria"
    assert [name for name in ROWS if name not in known.group()] == []


def scoring(name: str) -> str:
    """The function that a row scores by: its own, or the statistic whose observed value it is."""
    row = re.search(rf'\{{"{name}", .*?\}},', TABLE, re.S)[0]
    observed = re.search(r"observed<(\w+)>", row)
    if observed is None:
        return name
    return re.search(rf'{observed[1]}\{{"[^"]+", (\w+)', TABLE)[1]


@pytest.mark.parametrize("name", ROWS)
def test_steps(name: str) -> None:
    function = scoring(name)
    declared = [
        (path, found)
        for path in CONTRAST.glob("*.hpp")
        if (found := re.search(rf"((?:^ *///.*\n)+)[^\n]*\b{function}\(", path.read_text(), re.M))
    ]
    assert declared, f"step 1: no header of {CONTRAST.name} declares {function} below a comment with its formula"
    sources = [path for path in CONTRAST.glob("*.cpp") if re.search(rf"\b{function}\(Comparison", path.read_text())]
    assert sources, f"step 1: no file of {CONTRAST.name} defines {function}"
    assert f"contrast/{sources[0].name}" in (support.ROOT / "src/reduce/CMakeLists.txt").read_text(), "step 2"
    readme = (support.ROOT / "README.md").read_text()
    assert re.search(rf"^\| .*`{name}`.* \|", readme, re.M), "step 3: no row in README's table of criteria"
    values = [
        *(support.ROOT / "tests/reduce/contrast").glob("*.cpp"),
        Path(__file__).with_name("test_statistics_parity.py"),
    ]
    assert any(re.search(rf"\b(?:{name}|{function})\b", path.read_text()) for path in values), (
        "step 4: no test compares its value with a formula or another implementation"
    )
