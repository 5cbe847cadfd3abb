"""The README's steps for adding a criterion, checked for every criterion there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from moerae.program import Program
from support import program

ROOT = Path(__file__).resolve().parents[2]
CONTRAST = ROOT / "src/reduce/contrast"
TABLE = (CONTRAST / "criteria.cpp").read_text()


def rows() -> dict[str, str]:
    """name -> the function of its file: the criterion itself, or the test statistic whose value it is."""
    body = re.search(r"ContrastCriterion table\[\] = \{(.*?)\n\};", TABLE, re.S)
    assert body, "criteria.cpp has no table"
    found = dict(re.findall(r'\{"(\w+)",\s*"[^"]*",\s*([\w<>]+),', body[1]))
    made = dict(re.findall(r'(\w+)\{"[^"]*", (\w+)', TABLE))  # tests: of_pairs{"paired t", paired_t, ...
    return {
        name: made[function[9:-1]] if function.startswith("observed<") else function for name, function in found.items()
    }


ROWS = rows()


def test_the_program_lists_the_rows() -> None:
    assert {"template_gate", "js"} <= set(ROWS)
    assert Program(program()).criteria() == list(ROWS)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_steps_of_the_readme(name: str) -> None:
    function = ROWS[name]
    sources = [
        path for path in CONTRAST.glob("*.cpp") if re.search(rf"> {function}\(|Score {function}\(", path.read_text())
    ]
    assert len(sources) == 1, f"step 1: {function} is defined in {[path.name for path in sources]}"
    source = sources[0]
    if source.stem == function:
        assert len(source.read_text().splitlines()) < 200, f"step 1: {source.name} is long; a criterion is small"
    listed = (ROOT / "src/reduce/CMakeLists.txt").read_text()
    assert f"contrast/{source.name}" in listed, f"step 1: {source.name} is not in src/reduce/CMakeLists.txt"
    headers = [
        path for path in CONTRAST.glob("*.hpp") if re.search(rf"\b{function}\(Comparison const&", path.read_text())
    ]
    assert len(headers) == 1, f"step 2: {function} is declared in {[path.name for path in headers]}"
    assert re.search(rf"///[^\n]*\n\[\[nodiscard\]\] [^;]*\b{function}\(", headers[0].read_text()), "step 2: no formula"
    tests = "".join(path.read_text() for path in (ROOT / "tests/reduce/contrast").glob("*_test.cpp"))
    assert re.search(rf"\b{function}\b", tests), f"step 4: no test in tests/reduce/contrast names {function}"
    readme = (ROOT / "README.md").read_text()
    assert re.search(rf"^\| `{name}`[^|]*\|[^|]+\|[^|]+\|[^|]+\|$", readme, re.M), "step 5: no row in the README"


def test_nothing_outside_knows_a_criterion() -> None:
    default = ROOT / "include/moerae/reduce/plan/options.hpp"  # of [select.NAME]
    attributed = set(Program(program()).criteria("causal"))  # `attribute` makes what these are of
    known = "|".join(sorted(ROWS.keys() - attributed))
    for path in [*(ROOT / "src").rglob("*.?pp"), *(ROOT / "include").rglob("*.hpp")]:
        if CONTRAST not in path.parents and path != default:
            found = re.search(rf'"({known})"', path.read_text())
            assert not found, f"{path.relative_to(ROOT)} names the criterion {found.group(1)}"
