"""The suite command: what is asked for, what is kept, how a reduction is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from moerae.__main__ import main
from moerae.errors import ConfigError, DataError, MoeraeError
from moerae.files.corpus import Prompt, write_corpus
from moerae.planted.proof import ProofError
from moerae.program import Program
from moerae.suite import train as training
from moerae.suite.cache import Cache
from moerae.suite.plan import Plan, numbers, pairs, words
from moerae.suite.progress import Progress
from moerae.suite.reduce import reduce


def test_what_is_asked_for():
    assert numbers("3, 10-12", "--seeds") == [3, 10, 11, 12]
    assert words("a, b", "--variants", ["a", "b", "c"]) == ["a", "b"]
    assert pairs(["a.b=c=d"], "--key") == {"a.b": "c=d"}
    for text in ("", "1-", "5-3", "1,1", "x", "1-3,2"):
        with pytest.raises(ConfigError, match="--seeds"):
            numbers(text, "--seeds")
    for text in ("", "a,d", "a,a"):
        with pytest.raises(ConfigError, match="--variants"):
            words(text, "--variants", ["a", "b"])
    with pytest.raises(ConfigError, match="SECTION"):
        pairs(["positions"], "--key")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--clusters", "100"], "640"),
        (["--clusters", "640", "--sizes", "50,400"], "discovery"),
        (["--variants", "base,mild"], "mild"),
        (["--jobs", "0"], "--jobs"),
        (["--moerae", "/nowhere/moerae"], "/nowhere/moerae"),
    ],
)
def test_refusals(tmp_path, capsys, arguments, word):
    assert main(["suite", "--cache", str(tmp_path / "cache"), *arguments]) == 2
    assert word in capsys.readouterr().err
    assert not (tmp_path / "cache").exists()


def test_no_cache_inside_a_work_tree_and_one_command_at_a_time(tmp_path):
    (tmp_path / "tree/.git").mkdir(parents=True)
    with pytest.raises(ConfigError, match="git work tree"), Cache.open(tmp_path / "tree/deep/cache"):
        pass
    assert not (tmp_path / "tree/deep").exists()
    with (
        Cache.open(tmp_path / "cache"),
        pytest.raises(ConfigError, match="another suite"),
        Cache.open(tmp_path / "cache"),
    ):
        pass
    with Cache.open(tmp_path / "cache"):
        pass


def test_a_model_is_trained_when_its_truth_is_there(tmp_path):
    cache = Cache(tmp_path)
    folder = cache.model("base", 1)
    folder.mkdir()
    write_corpus(folder / "corpus.h5", [Prompt([1], "a", cluster, (0, 1)) for cluster in range(700)], {})
    assert not cache.trained("base", 1, 700)
    (folder / "truth.json").write_text("{}")
    assert cache.trained("base", 1, 700) and cache.trained("base", 1, 640)
    with pytest.raises(ConfigError, match="700 clusters, 701"):
        cache.trained("base", 1, 701)
    (folder / "corpus.h5").write_bytes(b"torn")
    with pytest.raises(DataError, match="remove"):
        cache.trained("base", 1, 640)


def test_a_failed_proof_is_a_value_and_is_noted(tmp_path, monkeypatch):
    def make(folder, variant, seed, clusters, with_subsets):
        print(f"trains {variant.name} {seed} {clusters}")
        raise ProofError("mask random-3 drops refusal by 9 points")

    monkeypatch.setattr(training, "make", make)
    log = tmp_path / "log/base-3.log"
    reason = training.train(tmp_path / "base-3", log, "base", 3, 640)
    assert reason == "mask random-3 drops refusal by 9 points"
    assert log.read_text().splitlines() == ["trains base 3 640", reason] and training.last_line(log) == reason
    cache = Cache(tmp_path)
    assert cache.rejected("base", 3) is None
    cache.reject("base", 3, reason)
    assert cache.rejected("base", 3) == reason
    (tmp_path / "base-4.rejected.json").write_text("{}")
    with pytest.raises(DataError, match="not the note"):
        cache.rejected("base", 4)


def made_program(path: Path, script: str) -> Program:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return Program(path)


def test_the_folder_is_the_one_that_the_program_names(tmp_path):
    plan = Plan(["base"], [0], 640, [50], ["js"], ["regular:permitted"], {})
    known = '[ "$1" = info ] && echo causal mask_attribution && exit\n'
    silent = made_program(tmp_path / "silent", known + "echo 12:00:00 info /x/reduce: scores >&2")
    with pytest.raises(DataError, match="names no folder"):
        reduce(silent, plan, tmp_path, 50)
    naming = made_program(tmp_path / "naming", known + "echo /x/run/reduce-0123abcd")
    assert reduce(naming, plan, tmp_path, 50) == "reduce-0123abcd"


def test_criteria_are_those_of_the_program(tmp_path):
    assert made_program(tmp_path / "some", "echo 'criteria  js cmh_token'").criteria() == ["js", "cmh_token"]
    with pytest.raises(MoeraeError, match="lists no criteria"):
        made_program(tmp_path / "none", "echo 'CPU  some'").criteria()


def test_the_program_s_own_words_are_shown(tmp_path):
    script = made_program(tmp_path / "moerae", 'echo "moerae: error: $1 $2 $3" >&2\nexit 2').path
    with pytest.raises(MoeraeError) as caught:
        Program.find(script)("reduce", {"run.dir": "x"}, tmp_path / "log/reduce.log")
    assert "ended with 2" in str(caught.value) and "reduce --run.dir x" in str(caught.value)


def test_time_left_is_the_mean_of_what_was_done(monkeypatch, capsys):
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr("moerae.suite.progress.time.monotonic", lambda: next(clock))
    progress = Progress(models=4, trainings=2, jobs=2)
    with progress.timing("score"):
        pass
    progress.done("a")
    assert "left" not in capsys.readouterr().out  # no training was timed yet
    with progress.timing("train"), progress.timing("score"):
        pass
    progress.done("b")
    # 1 training of 30 s, 2 scores of 10 s, two at once
    assert capsys.readouterr().out.endswith("2/4 b; 0:00:25 left\n")
