"""`evaluate` as a stage: the same bytes on any data width, interrupted or not; conditions that are added; refusals."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import h5py
import numpy as np
import pytest
import support
from moerae.files.corpus import Prompt, write_corpus
from moerae.files.hashing import content_hash
from moerae.reference import checkpoints

PROMPTS = 60


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.make("qwen3-grouped", tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(4)
    prompts = []
    for i in range(PROMPTS):
        tokens = random.integers(2, checkpoints.VOCABULARY, random.integers(4, 40)).tolist()
        response = len(tokens) - 2 if i % 3 == 0 else None
        prompts.append(Prompt(tokens, "ab"[i % 2], i // 2, (1, len(tokens) - 2), response, split=(0, 1, 2)[i // 2 % 3]))
    path = tmp_path_factory.mktemp("corpus") / "corpus.h5"
    write_corpus(path, prompts, {})
    return path


CHOSEN = [(1, 3), (0, 2)]
CONTROLS = [{"kind": "matched", "matched": True, "ratio": {}, "experts": [[0, 4 + i], [1, 5]]} for i in range(2)]


def evaluating(model: Path, corpus: Path, run: Path, conditions: str, expert: int = 1, **more: object) -> dict:
    keys = {"controls": 2, "max_new_tokens": 6, "sequences": 5, "shard_prompts": 3, "conditions": conditions}
    study = {"model.path": model, "model.dtype": "float32", "corpus.path": corpus, "run.dir": run}
    return study | {"grid.expert": expert} | {f"evaluate.{key}": value for key, value in (keys | more).items()}


def content(run: Path) -> dict[str, str]:
    folder = run / "evaluate"
    return {path.relative_to(folder).as_posix(): content_hash(path) for path in sorted(folder.glob("*/shard-*.h5"))}


@pytest.fixture(scope="module")
def conditions(tmp_path_factory: pytest.TempPathFactory) -> str:
    chosen = support.expert_set(tmp_path_factory.mktemp("sets") / "chosen.json", CHOSEN, controls=CONTROLS)
    return f"mask:{chosen},steer+:{chosen}@1,scale=0.5:{chosen}@1"


@pytest.fixture(scope="module")
def uninterrupted(model, corpus, conditions, tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, str]]:
    out = {}
    for expert in (1, 2):
        run = tmp_path_factory.mktemp(f"expert-{expert}")
        support.moerae("evaluate", evaluating(model, corpus, run, conditions, expert), ranks=expert)
        support.moerae("verify", {"run.dir": run})
        out[expert] = content(run)
    return out


def test_files_hold_replies_their_routing_and_the_condition(model, corpus, conditions, tmp_path: Path) -> None:
    run = tmp_path / "run"
    support.moerae("evaluate", evaluating(model, corpus, run, conditions), ranks=2)
    folders = sorted(path.name.rsplit("-", 1)[0] for path in (run / "evaluate").iterdir() if path.is_dir())
    assert folders == [
        "mask-chosen",
        "mask-chosen-control-000",
        "mask-chosen-control-001",
        "none",
        "scale-0.5-chosen-1",
        "steer+-chosen-1",
    ]
    with h5py.File(corpus) as file:
        validation = np.flatnonzero(file["split"][()] == 1)
        before = file["response_offset"][()] - file["offset"][:-1]
    (masked,) = (run / "evaluate").glob("mask-chosen-control-001-*")
    prompts = []
    for path in sorted(masked.glob("shard-*.h5")):
        with h5py.File(path) as file:
            condition = json.loads(file.attrs["condition"])
            assert condition["experts"] == [[0, 5], [1, 5]]
            assert condition["control"] == {"number": 1, "kind": "matched"}
            assert not file["usage/count"][:, :, 0, 5].any()
            said = np.diff(file["reply/offset"][()])
            assert (file["usage/tokens"][:, 2] == said).all()
            assert (file["usage/tokens"][()].sum(1) == before[file["prompt_id"][()]] + said).all()
            assert list(file["reply/finish"].attrs["categories"]) == ["stop", "length"]
            prompts += file["prompt_id"][()].tolist()
    assert prompts == validation.tolist()


@pytest.mark.parametrize(("data", "expert"), [(2, 1), (3, 1), (2, 2)])
def test_any_data_width(model, corpus, conditions, uninterrupted, tmp_path: Path, data: int, expert: int) -> None:
    study = evaluating(model, corpus, tmp_path / "run", conditions, expert)
    support.moerae("evaluate", study, ranks=data * expert)
    assert content(tmp_path / "run") == uninterrupted[expert]


@pytest.mark.parametrize("sign", [signal.SIGUSR1, signal.SIGKILL])
@pytest.mark.parametrize(("data", "expert"), [(2, 1), (1, 2)])
def test_interrupted_and_repeated(model, corpus, conditions, uninterrupted, tmp_path: Path, data, expert, sign) -> None:
    study = evaluating(model, corpus, tmp_path / "run", conditions, expert)
    support.interrupt_and_repeat("evaluate", study, data * expert, sign, "*/shard-*.h5", uninterrupted[expert])


def test_conditions_can_be_added(model, corpus, conditions, uninterrupted, tmp_path: Path) -> None:
    run = tmp_path / "run"
    support.moerae("evaluate", evaluating(model, corpus, run, conditions.split(",")[0]), ranks=1)
    kept = {path: path.stat().st_mtime_ns for path in run.glob("evaluate/*/shard-*.h5")}
    support.moerae("evaluate", evaluating(model, corpus, run, conditions), ranks=1)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert content(run) == uninterrupted[1]
    said = support.moerae("evaluate", evaluating(model, corpus, run, conditions), ranks=1)
    assert "nothing to do" in said.err


def replies(run: Path, slug: str) -> dict[int, tuple]:
    """By prompt: its reply and how it ended, counts [class, layer, expert] and gate mass of prompt and reply."""
    found = {}
    (folder,) = (path for path in (run / "evaluate").glob(f"{slug}*") if path.is_dir())
    for path in sorted(folder.glob("shard-*.h5")):
        with h5py.File(path) as file:
            offset = file["reply/offset"][()]
            for i, prompt in enumerate(file["prompt_id"][()].tolist()):
                said = file["reply/tokens"][offset[i] : offset[i + 1]].tolist(), file["reply/finish"][i]
                found[prompt] = said, file["usage/count"][i], file["usage/gate_mass"][i] / 2**32
    return found


@pytest.mark.parametrize(
    ("case", "action", "phase"),
    [
        ("qwen3-grouped", "mask", "both"),
        ("qwen3-grouped", "steer-", "response"),
        ("qwen3-grouped", "steer+", "both"),
        ("qwen3-full-tied-sharded", "mask", "both"),
        ("qwen3-full-tied-sharded", "scale=0", "response"),
    ],
)
def test_what_a_condition_can_not_change_is_kept(corpus, tmp_path: Path, case: str, action: str, phase: str) -> None:
    """The same with the saving and without, and exactly those are kept that the routing of the base says."""
    model = checkpoints.make(case, tmp_path / "model")
    study = evaluating(model, corpus, tmp_path / "kept", "none", 2, phase=phase, routing="true", keep="ids")
    support.moerae("evaluate", study, ranks=2)
    base = replies(tmp_path / "kept", "none")
    acted = slice(2, 3) if phase == "response" else slice(0, 3)
    met = np.array([[(count[acted].sum(0) > 0)] for _, count, _ in base.values()])[:, 0]  # [prompt, layer, expert]
    layer, expert = np.unravel_index(np.abs(met.mean(0) - 0.5).argmin(), met.shape[1:])
    assert 0 < met[:, layer, expert].sum() < len(base)
    support.expert_set(tmp_path / "one.json", [(int(layer), int(expert))])
    condition = {"evaluate.conditions": f"{action}:{tmp_path}/one.json", "evaluate.controls": 0}
    said = support.moerae("evaluate", study | condition, ranks=2).err
    whole = study | condition | {"run.dir": tmp_path / "whole", "evaluate.reuse": "false"}
    assert "evaluate: 0 of these replies were kept" in support.moerae("evaluate", whole, ranks=2).err
    keeps = action.startswith("scale") or (action != "steer+" and case == "qwen3-grouped")
    kept = np.flatnonzero(~met[:, layer, expert]) if keeps else []
    assert f"evaluate: {len(kept)} of these replies were kept" in said
    saved, computed = (replies(tmp_path / run, action.replace("=", "-")) for run in ("kept", "whole"))
    for i, (prompt, (reply, count, mass)) in enumerate(saved.items()):
        assert reply == computed[prompt][0] and (count == computed[prompt][1]).all()
        assert np.abs(mass - computed[prompt][2]).max() < 1e-5
        if i in kept:
            assert reply == base[prompt][0] and (mass == base[prompt][2]).all()
    support.moerae("verify", {"run.dir": tmp_path / "kept"})


def test_plan_says_what_the_cache_takes(model, corpus, conditions, tmp_path: Path) -> None:
    said = support.moerae("plan", evaluating(model, corpus, tmp_path / "run", conditions)).out
    config = json.loads((model / "config.json").read_text())
    with h5py.File(corpus) as file:
        longest = (file["response_offset"][()] - file["offset"][:-1])[file["split"][()] == 1].max()
    width = 2 * config["num_key_value_heads"] * config["head_dim"] * 4  # keys and values in float32
    taken = 5 * (longest + 6) * width * config["num_hidden_layers"]
    assert f"{taken / 1024:.0f} KiB of cache for 5 sequences of {longest + 6} positions" in said
    assert "none and 3 condition(s)" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("keys", "words", "code"),
    [
        ({"evaluate.conditions": "mask:{chosen}", "evaluate.controls": 3}, ["2 matched controls", "3"], support.CONFIG),
        ({"evaluate.conditions": "mask:{foreign}"}, ["layer 9", "another model"], support.CONFIG),
        ({"evaluate.conditions": "mask:{weights}"}, ["made on a model with the weights", "abc"], support.CONFIG),
        ({"evaluate.conditions": "mask:{most}"}, ["mask-most", "layer 1"], support.CONFIG),
        ({"evaluate.conditions": "mask:unheard"}, ["moerae reduce", "unheard"], support.CONFIG),
        ({"evaluate.conditions": "blur:{chosen}"}, ["blur", "steer+:SET"], support.CONFIG),
        ({"evaluate.sets": "a,zebra"}, ["evaluate.sets", "zebra", "a, b"], support.CONFIG),
        ({"evaluate.max_new_tokens": 5000}, ["evaluate.max_new_tokens = 5000", "512 positions"], support.CONFIG),
        ({"evaluate.split": "train"}, ["validation | test | discovery"], support.CONFIG),
        (
            {"evaluate.split": "discovery", "evaluate.conditions": "mask:{chosen}"},
            ["evaluate.split = discovery", "in-sample"],
            support.CONFIG,
        ),
        ({"evaluate.routing": "true"}, ["evaluate.routing", "evaluate.keep = ids"], support.CONFIG),
    ],
    ids=lambda value: next(iter(value.values())) if isinstance(value, dict) else "",
)
def test_what_can_not_be_done_is_refused(
    model, corpus, tmp_path: Path, keys: dict, words: list[str], code: int
) -> None:
    sets = {
        "chosen": support.expert_set(tmp_path / "chosen.json", CHOSEN, controls=CONTROLS),
        "foreign": support.expert_set(tmp_path / "foreign.json", [(9, 0)]),
        "weights": support.expert_set(
            tmp_path / "weights.json", CHOSEN, controls=CONTROLS, provenance={"weights_hash": "abc"}
        ),
        "most": support.expert_set(tmp_path / "most.json", [(1, expert) for expert in range(7)]),
    }
    study = evaluating(model, corpus, tmp_path / "run", "none", **{"controls": 0})
    study |= {key: str(value).format(**sets) for key, value in keys.items()}
    ended = support.moerae("evaluate", study, code=code)
    support.assert_one_error(ended, words)
    assert not list(tmp_path.glob("run/evaluate/*/shard-*.h5"))
