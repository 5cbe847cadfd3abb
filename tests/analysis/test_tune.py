"""`tune`: the same bits on one grid, interrupted or not; the adapter on the model is what was trained; refusals."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import h5py
import numpy as np
import pytest
import support
from moerae.files.corpus import Prompt, write_corpus
from moerae.files.hashing import content_hash
from moerae.reference import checkpoints

EXPERTS = [(1, 3), (0, 5), (2, 0)]


def prompts(count: int, seed: int = 5) -> list[Prompt]:
    """Of sets `learn` and `keep` in turn, all with a target but the last; the discovery split but for a quarter."""
    random = np.random.default_rng(seed)
    made = []
    for i in range(count):
        tokens, target = (random.integers(2, checkpoints.VOCABULARY, n).tolist() for n in (4 + i % 7, 1 + i % 4))
        replies = [("target", target)] if i + 1 < count else []
        split = 1 if i % 4 == 2 else 0
        made.append(Prompt(tokens, ("learn", "keep")[i % 2], i, (0, len(tokens)), split=split, continuations=replies))
    return made


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.make("qwen3-grouped", tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "corpus.h5"
    write_corpus(path, prompts(64), {})
    return path


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    controls = [
        {"kind": "matched", "experts": [[0, 1], [1, 1], [2, 1]], "ratio": {"usage learn": 1.0}, "matched": True},
        {"kind": "matched", "experts": [[0, 2], [1, 2], [2, 2]], "ratio": {"usage learn": 1.0}, "matched": True},
    ]
    return support.expert_set(tmp_path_factory.mktemp("set") / "some.json", EXPERTS, controls=controls)


def tuning(model: Path, corpus: Path, chosen: Path, run: Path, expert: int = 1, **more: object) -> dict:
    keys = {
        "set": chosen,
        "retain_sets": "keep",
        "routing": 0.1,
        "rank": 2,
        "steps": 12,
        "batch_tokens": 200,
        "pass_tokens": 60,
        "save_steps": 3,
        "learning_rate": 0.01,
    }
    study = {"model.path": model, "model.dtype": "float32", "corpus.path": corpus, "run.dir": run}
    return study | {"grid.expert": expert} | {f"tune.{key}": value for key, value in (keys | more).items()}


def adapter(run: Path) -> Path:
    return run / "tune/adapter.h5"


@pytest.fixture(scope="module")
def whole(model, corpus, chosen, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, int], Path]:
    """By grid, uninterrupted."""
    out = {}
    for data, expert in ((1, 1), (2, 1), (1, 2), (2, 2)):
        run = tmp_path_factory.mktemp(f"{data}x{expert}")
        said = support.moerae("tune", tuning(model, corpus, chosen, run, expert), ranks=data * expert)
        assert "1 prompts of the sets have no reply" in said.err
        support.moerae("verify", {"run.dir": run})
        assert [path.name for path in sorted((run / "tune").iterdir())] == ["adapter.h5", "stage.json"]
        out[data, expert] = adapter(run)
    return out


def test_any_grid(whole: dict[tuple[int, int], Path]) -> None:
    with h5py.File(whole[1, 1]) as file:
        assert list(zip(file["layer"], file["expert"], strict=True)) == sorted(EXPERTS)
        want = {name: file[name][()] for name in ("history/loss", "tokens", "norm/down", "gate_up/b")}
    assert want["history/loss"].shape == (12,) and (want["norm/down"] > 1e-4).all()
    for path in whole.values():
        with h5py.File(path) as file:
            assert np.abs(file["history/loss"][()] / want["history/loss"] - 1).max() < 1e-5
            assert (file["tokens"][()] == want["tokens"]).all()
            for name in ("norm/down", "gate_up/b"):
                assert np.abs(file[name][()] - want[name]).max() < 1e-4


@pytest.mark.parametrize("sign", [signal.SIGUSR1, signal.SIGKILL])
@pytest.mark.parametrize("grid", [(2, 1), (1, 2)])
def test_interrupted_and_repeated(
    model, corpus, chosen, whole, tmp_path: Path, grid: tuple[int, int], sign: int
) -> None:
    run = tmp_path / "run"
    study = tuning(model, corpus, chosen, run, grid[1])
    job = support.start("tune", study, 2)
    try:
        saved = lambda: list(run.glob("tune/step-*.h5"))  # noqa: E731
        support.wait_for(lambda: saved() or job.process.poll() is not None, 60, "a checkpoint")
        os.kill(job.process.pid if sign == signal.SIGUSR1 else job.ranks()[0], sign)
        ended = job.wait(60)
    finally:
        job.kill()
    assert not adapter(run).exists(), f"it was through before it could be interrupted\n{ended}"
    assert (ended.code == support.RESUMABLE) == (sign == signal.SIGUSR1), ended
    again = support.moerae("tune", study, 2)
    assert "goes on behind step" in again.err
    assert content_hash(adapter(run)) == content_hash(whole[grid])
    assert "nothing to do" in support.moerae("tune", study, 2).err


def test_a_stop_by_the_clock_is_resumed_on_another_grid(model, corpus, chosen, whole, tmp_path: Path) -> None:
    study = tuning(model, corpus, chosen, tmp_path / "run", steps=12)
    stopped = support.moerae("tune", study | {"run.wall_limit": 0.001}, ranks=2, code=support.RESUMABLE)
    assert "repeat the command to go on" in stopped.err
    support.moerae("tune", study | {"grid.expert": 2}, ranks=2)
    with h5py.File(adapter(tmp_path / "run")) as file, h5py.File(whole[1, 1]) as want:
        assert np.abs(file["history/loss"][()] / want["history/loss"][()] - 1).max() < 1e-5


def test_a_control_is_trained_in_place_of_the_set(model, corpus, chosen, tmp_path: Path) -> None:
    support.moerae("tune", tuning(model, corpus, chosen, tmp_path / "run", control=1, steps=2))
    with h5py.File(adapter(tmp_path / "run")) as file:
        assert list(zip(file["layer"], file["expert"], strict=True)) == [(0, 2), (1, 2), (2, 2)]


def test_the_two_newest_checkpoints_are_kept(model, corpus, chosen, tmp_path: Path) -> None:
    study = tuning(model, corpus, chosen, tmp_path / "run", steps=400, save_steps=1)
    job = support.start("tune", study, 1)
    try:
        last = tmp_path / "run/tune/step-000004.h5"
        support.wait_for(lambda: last.exists() or job.process.poll() is not None, 60, "four checkpoints")
        os.kill(job.ranks()[0], signal.SIGUSR1)
        ended = job.wait(60)
    finally:
        job.kill()
    assert ended.code == support.RESUMABLE, ended
    assert len(list((tmp_path / "run/tune").glob("step-*.h5"))) == 2


def test_what_was_tuned_stands_beside_the_model_as_it_is(model, corpus, chosen, whole, tmp_path: Path) -> None:
    """An adapter at scale 0 changes no decision; at 1 it changes some above the lowest layer, none at or below it."""
    run = tmp_path / "run"

    def recorded(**more: object) -> list[np.ndarray]:
        keys = support.recording(model, corpus, run) | {"model." + key: value for key, value in more.items()}
        before = set(run.glob("record*"))
        support.moerae("record", keys, ranks=2)
        (folder,) = set(run.glob("record*")) - before
        return [h5py.File(path)["routing/logits"][()] for path in sorted(folder.glob("shard-*.h5"))]

    plain = recorded()
    at_zero = recorded(adapter=whole[1, 1], adapter_scale=0)
    tuned = recorded(adapter=whole[1, 1])
    assert max(np.abs(a - b).max() for a, b in zip(plain, at_zero, strict=True)) < 1e-5
    assert all((a[:, 0] == b[:, 0]).all() for a, b in zip(plain, tuned, strict=True))
    assert max(np.abs(a[:, 1:] - b[:, 1:]).max() for a, b in zip(plain, tuned, strict=True)) > 1e-3
    support.moerae("verify", {"run.dir": run})


def test_sets_are_trained_together(model, corpus, chosen, whole, tmp_path: Path) -> None:
    """One in two parts, which share an expert, is the same training; `all` is every expert of every layer."""
    parts = [support.expert_set(tmp_path / f"{i}.json", EXPERTS[i : i + 2]) for i in range(2)]
    study = tuning(model, corpus, f"{parts[0]}, {parts[1]}", tmp_path / "run")
    support.moerae("tune", study, ranks=1)
    assert content_hash(adapter(tmp_path / "run")) == content_hash(whole[1, 1])
    support.moerae("tune", tuning(model, corpus, "all", tmp_path / "all", steps=1), ranks=2)
    with h5py.File(adapter(tmp_path / "all")) as file:
        assert list(zip(file["layer"], file["expert"], strict=True)) == [(la, e) for la in range(3) for e in range(8)]


def test_sets_of_other_models_are_not_mixed(model, corpus, tmp_path: Path) -> None:
    sets = [of_weights(tmp_path / f"{digit}.json", digit * 32) for digit in "01"]
    ended = support.moerae(
        "tune", tuning(model, corpus, f"{sets[0]}, {sets[1]}", tmp_path / "run"), code=support.CONFIG
    )
    support.assert_one_error(ended, ["0" * 32, "1" * 32, "on one model"])


def of_weights(path: Path, weights: str) -> Path:
    return support.expert_set(path, EXPERTS, provenance={"weights_hash": weights})


def of_other_weights(path: Path) -> Path:
    return of_weights(path, "0" * 32)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"tune.set": "none.json"}, ["none.json"]),
        ({"tune.set": "some"}, ["tune.set", "moerae reduce"]),
        ({"tune.control": 2}, ["control"]),
        ({"tune.set": "all, some.json"}, ["tune.set", "beside which no set"]),
        ({"tune.set": "all", "tune.control": 0}, ["tune.control", "all experts"]),
        ({"tune.set": "a.json, b.json", "tune.control": 0}, ["tune.control", "one set"]),
        ({"tune.reply": "comply"}, ["tune.reply = comply", "give the corpus"]),
        ({"tune.rank": 0}, ["tune.rank"]),
        ({"tune.sets": "zebra"}, ["tune.sets", "zebra", "keep, learn"]),
        ({"tune.sets": "learn, keep"}, ["tune.retain_sets", "keep"]),
        ({"tune.warmup_steps": 12}, ["tune.warmup_steps", "tune.steps"]),
        ({"tune.method": "dora"}, ["tune.method", "lora | full"]),
        ({"tune.gradient_accumulation_steps": 2}, ["tune.pass_tokens"]),
        ({"model.adapter": "x.h5"}, ["model.adapter"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_can_not_be_done_is_refused(model, corpus, chosen, tmp_path: Path, keys: dict, words: list[str]) -> None:
    study = tuning(model, corpus, chosen, tmp_path / "run") | keys
    ended = support.moerae("tune", study, code=None)
    assert ended.code in (support.CONFIG, support.DATA), ended
    support.assert_one_error(ended, words)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("experts", "words"),
    [
        ([], ["is empty"]),
        ([(0, 99)], ["expert 99 of layer 0", "another model"]),
        ([(77, 0)], ["layer 77", "another model"]),
    ],
)
def test_sets_that_fit_no_expert_are_refused(model, corpus, tmp_path: Path, experts: list, words: list[str]) -> None:
    chosen = support.expert_set(tmp_path / "set.json", experts)
    ended = support.moerae("tune", tuning(model, corpus, chosen, tmp_path / "run"), code=support.CONFIG)
    support.assert_one_error(ended, words)


def test_what_was_made_for_other_weights_is_refused(model, corpus, chosen, whole, tmp_path: Path) -> None:
    study = tuning(model, corpus, of_other_weights(tmp_path / "set.json"), tmp_path / "run")
    ended = support.moerae("tune", study, ranks=2, code=support.CONFIG)
    support.assert_one_error(ended, ["0" * 32, "select them on this model"])
    other = checkpoints.make("qwen3-grouped", tmp_path / "other", seed=9)
    keys = support.recording(other, corpus, tmp_path / "run2") | {"model.adapter": whole[1, 1]}
    ended = support.moerae("record", keys, ranks=2, code=support.CONFIG)
    support.assert_one_error(ended, ["model.adapter", "trained on the weights"])


def test_no_adapter_is_refused(model, corpus, tmp_path: Path) -> None:
    keys = support.recording(model, corpus, tmp_path / "run") | {"model.adapter": corpus}
    support.assert_one_error(
        support.moerae("record", keys, ranks=2, code=support.DATA), ["no adapter of `moerae tune`"]
    )


def test_replies_are_needed(model, chosen, tmp_path: Path) -> None:
    corpus = support.random_corpus(tmp_path / "corpus.h5", [8, 9, 7], checkpoints.VOCABULARY)
    study = tuning(model, corpus, chosen, tmp_path / "run", retain_sets="", sets="b")
    support.assert_one_error(support.moerae("tune", study, code=support.CONFIG), ["tune.sets", "has a reply"])


def test_what_diverges_keeps_the_last_checkpoint(model, corpus, chosen, tmp_path: Path) -> None:
    study = tuning(model, corpus, chosen, tmp_path / "run", method="full", learning_rate=1e30, save_steps=1)
    ended = support.moerae("tune", study, ranks=2, code=support.OTHER)
    support.assert_one_error(ended, ["diverged", "tune.learning_rate"])
    assert list((tmp_path / "run/tune").glob("step-*.h5"))
    assert not adapter(tmp_path / "run").exists()


def test_plan_says_what_it_takes(model, corpus, chosen, tmp_path: Path) -> None:
    said = support.moerae("plan", tuning(model, corpus, chosen, tmp_path / "run")).out
    assert "replies to learn and" in said and "12 steps of 200 tokens" in said and "trained parameters" in said
