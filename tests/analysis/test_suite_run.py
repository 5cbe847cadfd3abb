"""The suite command on the shipped models: recorded, reduced at two sizes, scored, and then left alone."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest
from moerae.__main__ import main
from moerae.program import Program
from moerae.suite import SLOW
from moerae.suite.reduce import GROUPS
from support import ROOT, program

VARIANTS, SIZES = ("base", "null"), (50, 0)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Both models of seed 0; both seeds 1 were rejected."""
    path = tmp_path_factory.mktemp("suite") / "cache"
    for variant in VARIANTS:
        shutil.copytree(ROOT / "data/planted" / variant, path / f"{variant}-0")
        note = {"variant": variant, "seed": 1, "reason": "masks do something"}
        (path / f"{variant}-1.rejected.json").write_text(json.dumps(note))
    return path


def suite(cache, *arguments) -> None:
    sizes = ["--clusters", "640", "--sizes", ",".join(map(str, SIZES))]
    asked = ["--variants", ",".join(VARIANTS), "--seeds", "0-1", *sizes]
    assert main(["suite", "--cache", str(cache), "--moerae", str(program()), *asked, *arguments]) == 0


def results(cache) -> dict[str, int]:
    return {str(p.relative_to(cache)): p.stat().st_mtime_ns for p in cache.glob("runs/*/re*/*.h5")}


def test_once_and_again(cache, capsys):
    suite(cache)
    said = capsys.readouterr().out
    assert "0 to be trained" in said and "base-1: REJECTED, left out: masks do something" in said
    table = pd.read_csv(cache / "suite.csv", keep_default_na=False)
    assert set(zip(table["variant"], table["seed"], strict=True)) == {("base", 0), ("null", 0)}
    found = set(zip(table["criterion"], table["groups"], strict=True))
    asked = [criterion for criterion in Program(program()).criteria() if criterion not in SLOW]
    names = {f"{a}-vs-{b.replace('/', '-and-')}" for a, b in (of.split(":") for of in GROUPS)}
    assert {(criterion, name) for criterion in asked for name in names} <= found
    assert len(table) == len(VARIANTS) * len(SIZES) * len(found)
    assert set(table["n"]) == {6} and table["auroc"].between(0, 1).all()
    best = table[(table["variant"] == "base") & (table["size"] == 0)]["auroc"].max()
    assert best > 0.9
    before = results(cache)
    assert len(before) >= len(VARIANTS) * (1 + len(SIZES))
    suite(cache)
    assert results(cache) == before  # nothing was made again
    assert pd.read_csv(cache / "suite.csv", keep_default_na=False).equals(table)


def test_only_what_is_missing(cache):
    suite(cache)
    before = results(cache)
    assert main(["report", "--suite", str(cache)]) == 0 and (cache / "report/index.html").exists()
    suite(cache, "--criteria", "risk_difference", "--seeds", "0,2", "--no-train")
    added = results(cache).keys() - before.keys()
    assert len(added) == len(VARIANTS) * len(SIZES) and all("/reduce-" in name for name in added)
    assert {name: at for name, at in results(cache).items() if name in before} == before
    table = pd.read_csv(cache / "suite.csv", keep_default_na=False)
    assert not (cache / "base-2").exists() and set(table["seed"]) == {0}
    assert "studentised" not in set(table["criterion"]) and "risk_difference" in set(table["criterion"])
