"""Where files lie: headers beside their sources, includes downward, torch and families in their places."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# a module may include those before it, and itself
ORDER = (
    "base",
    "keys",
    "mpi",
    "store",
    "corpus",
    "model",
    "run",
    "record",
    "attribute",
    "reduce",
    "evaluate",
    "tune",
    "app",
)
TORCH = {"model", "attribute", "evaluate", "tune"}
TORCH_IN_APP = {
    "src/app/info.cpp": "prints the version of torch",
    "src/app/record_work.cpp": "computes under torch's inference mode",
}
SAME_NAME = {"options.hpp": "of reduce/plan and of the module that has other options"}
INCLUDE = re.compile(r'^#include ["<]([^">]+)[">]', re.M)
SOURCES = sorted(
    path.relative_to(ROOT)
    for folder in ("src", "include")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".cpp", ".hpp")
)
HEADERS = [path for path in SOURCES if path.suffix == ".hpp"]


def module_of(path: Path) -> str:
    """src/MODULE/... and include/moerae/MODULE/..."""
    return path.parts[1] if path.parts[0] == "src" else path.parts[2]


def included(path: Path) -> list[Path]:
    """The project's headers that a file includes."""
    found = []
    for name in INCLUDE.findall((ROOT / path).read_text()):
        for root in ("include", "src"):
            if (ROOT / root / name).is_file():
                found.append(Path(root) / name)
    return found


INCLUDES = {path: included(path) for path in SOURCES}


def users(header: Path) -> set[str]:
    """Modules that see a header, directly or through another public one."""
    seen, front = set(), {header}
    while front:
        step = {path for path in SOURCES if path not in seen and front & set(INCLUDES[path])}
        seen |= step
        front = {path for path in step if path.parts[0] == "include"}
    return {module_of(path) for path in seen}


def without_comments(text: str) -> str:
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)


def test_modules_are_known() -> None:
    assert {module_of(path) for path in SOURCES} == set(ORDER)


@pytest.mark.parametrize("module", ORDER)
def test_includes_go_downward(module: str) -> None:
    above = set(ORDER[ORDER.index(module) + 1 :])
    wrong = [
        f"{path} includes {header}"
        for path in SOURCES
        if module_of(path) == module
        for header in INCLUDES[path]
        if module_of(header) in above
    ]
    assert not wrong, wrong


def test_private_headers_are_of_one_module() -> None:
    wrong = [
        f"{path} includes {header}: it belongs to include/moerae/{module_of(header)}"
        for path in SOURCES
        for header in INCLUDES[path]
        if header.parts[0] == "src" and module_of(header) != module_of(path)
    ]
    assert not wrong, wrong


def test_public_headers_are_for_other_modules() -> None:
    """`app` is the end: nothing includes it."""
    wrong = [
        f"{header}: only {module_of(header)} sees it, so it belongs to src/{module_of(header)}"
        for header in HEADERS
        if header.parts[0] == "include" and not users(header) - {module_of(header)}
    ]
    assert not wrong, wrong


def test_a_source_lies_where_its_header_does() -> None:
    """x.cpp implements x.hpp of the same folder; a header may have several sources, and none."""
    headers = {(module_of(path), path.name): path for path in HEADERS}
    for path in SOURCES:
        first = INCLUDES[path][0] if INCLUDES[path] else None
        own = headers.get((module_of(path), f"{path.stem}.hpp"))
        if path.suffix == ".cpp" and own is not None and first is not None and first.stem == path.stem:
            inner = Path(*first.parts[2 if first.parts[0] == "src" else 3 :]).parent
            assert inner == Path(*path.parts[2:]).parent, f"{path} implements {first}, which lies elsewhere"


def test_no_two_headers_of_a_module_share_a_name() -> None:
    counts = Counter((module_of(path), path.name) for path in HEADERS)
    assert not [f"{module}: {name}" for (module, name), n in counts.items() if n > 1 and name not in SAME_NAME]


def test_torch_stays_in_its_modules() -> None:
    using = {
        path.as_posix()
        for path in SOURCES
        if any(name.startswith(("torch/", "ATen/", "c10/")) for name in INCLUDE.findall((ROOT / path).read_text()))
        and module_of(path) not in TORCH
    }
    assert using == set(TORCH_IN_APP)


def test_families_are_named_in_their_files_only() -> None:
    """Comments may name a family; code that does is a branch that belongs into its file."""
    registry = (ROOT / "src/model/families/registry.cpp").read_text()
    known = re.findall(r'Family\{"(\w+)"', registry)
    assert len(known) > 5
    for path in SOURCES:
        if "families" not in path.parts:
            code = without_comments((ROOT / path).read_text())
            found = re.search(rf"\b(?:{'|'.join(known)})\b", code)
            assert not found, f"{path} names the family {found.group()}"
