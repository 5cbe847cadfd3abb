"""Real published routing through import and `moerae reduce`: the authors' sets and known divergences come out."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from moerae.__main__ import main
from moerae.files.hashing import content_hash
from support import CONFIG, DATA, ROOT, moerae

ESFT = ROOT / "../shared/data/esft"
pytestmark = pytest.mark.skipif(not ESFT.is_dir(), reason="the published traces are not at ../shared/data/esft")
TASKS = ("intent", "law")


@pytest.fixture(scope="module")
def imported(tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("esft") / "run"
    for task in TASKS:
        assert main(["import", "esft", "--trace", str(ESFT / f"{task}.h5"), "--label", task, "--run", str(run)]) == 0
    return run


def reduce(imported: Path, target: Path, ranks: int | None = None, **keys: object) -> Path:
    """Reduces the imported record into a run of its own; returns its folder of results."""
    study = {"run.dir": target, "run.from": imported, "contrast.groups": "intent:law"}
    moerae("reduce", study | {key.replace("__", "."): value for key, value in keys.items()}, ranks=ranks)
    return target / "reduce"


@pytest.fixture(scope="module")
def reduced(imported, tmp_path_factory) -> Path:
    return reduce(imported, tmp_path_factory.mktemp("reduced") / "run")


def experts(results: Path, name: str) -> dict[int, list[int]]:
    """Decoder layer -> experts in the order of the set."""
    by_layer: dict[int, list[int]] = {}
    for row in json.loads((results / "sets" / f"{name}.json").read_text())["experts"]:
        by_layer.setdefault(row["layer"], []).append(row["expert"])
    return by_layer


def published(task: str) -> dict[int, list[int]]:
    text = json.loads((ESFT / f"{task}.selected.json").read_text())["experts"]
    return {int(layer): chosen for layer, chosen in text.items()}


@pytest.mark.parametrize("task", TASKS)
def test_the_published_sets_order_included(reduced, task):
    assert len(published(task)) == 26
    assert experts(reduced, f"esft_token-{task}") == published(task)


def test_published_set_by_select(imported, tmp_path):
    keys = {"criterion": "esft_token", "set": "law", "p": 0.2}
    results = reduce(imported, tmp_path / "run", **{f"select__mine__{key}": value for key, value in keys.items()})
    assert experts(results, "mine") == published("law")
    assert [path.name for path in (results / "sets").iterdir()] == ["mine.json"]


def test_scores_are_those_of_numpy(reduced):
    with h5py.File(reduced / "scores.h5") as scores:
        usage = {}
        for task in TASKS:
            with h5py.File(ESFT / f"{task}.h5") as trace:
                ids, weight = trace["expert"][:].astype(int), trace["weight"][:] * 1e-4
            tokens = len(ids)
            count = np.stack([np.bincount(ids[:, layer].ravel(), minlength=64) for layer in range(26)])
            gate = [np.bincount(ids[:, n].ravel(), weight[:, n].ravel(), 64) / tokens for n in range(26)]
            usage[task] = count / tokens
            np.testing.assert_allclose(scores[f"ses/{task}/usage"][:], usage[task], rtol=1e-15)
            np.testing.assert_allclose(scores[f"esft/{task}/token"][:], count / (6 * tokens), rtol=1e-15)
            np.testing.assert_allclose(scores[f"esft/{task}/gate"][:], gate, atol=1e-7)
        difference = scores["contrast/risk_difference/intent-vs-law/score"][:]
        np.testing.assert_allclose(difference, usage["intent"] - usage["law"], atol=1e-15)
        p, q = (usage[task] / 6 for task in TASKS)
        with np.errstate(divide="ignore", invalid="ignore"):
            plugin = sum(np.where(x > 0, x * np.log(2 * x / (p + q)), 0) for x in (p, q)) / 2
        layers = scores["contrast/js/intent-vs-law/divergence"][:]
        np.testing.assert_allclose(layers, plugin.sum(1), rtol=1e-12)
        terms = scores["contrast/js/intent-vs-law/score"][:]
        assert (terms * difference >= 0).all() and (np.abs(terms) <= plugin + 1e-15).all()
        assert np.corrcoef(np.abs(terms).ravel(), plugin.ravel())[0, 1] > 0.999  # less what chance alone makes
        assert scores["layer"][:].tolist() == list(range(1, 27))
    # methods: JS between the two tasks from the counts, nats
    assert layers.mean() == pytest.approx(0.096638, abs=5e-7)
    assert layers.max() == pytest.approx(0.141263, abs=5e-7)


def test_jaccard_of_the_two_tasks(reduced):
    one, two = ({(la, e) for la, es in experts(reduced, f"esft_token-{t}").items() for e in es} for t in TASKS)
    assert (len(one & two), len(one | two)) == (9, 268)


def test_same_bytes_on_several_ranks(imported, reduced, tmp_path):
    names = sorted(path.name for path in (reduced / "sets").iterdir())
    assert len(names) == 3 * 2 + 7  # neither template tokens nor pairs, topics or token ids: four criteria are left out
    for ranks in (2, 3):
        results = reduce(imported, tmp_path / str(ranks), ranks)
        assert content_hash(results / "scores.h5") == content_hash(reduced / "scores.h5")
        assert sorted(path.name for path in (results / "sets").iterdir()) == names
        for name in names:
            mine, theirs = (json.loads((folder / "sets" / name).read_text()) for folder in (results, reduced))
            assert mine.pop("provenance")["ranks"] == ranks and theirs.pop("provenance")
            assert mine == theirs


def test_frequencies(reduced):
    with h5py.File(reduced / "scores.h5") as scores:
        for task in TASKS:
            frequency, size = scores[f"ses/{task}/frequency"][:], scores[f"ses/{task}/path/size"][:]
            path = scores[f"ses/{task}/path/frequency"][:]
            np.testing.assert_allclose(frequency.sum(1), 6, rtol=1e-12)  # max(top-6, a tenth of 64)
            np.testing.assert_allclose(path.sum(2), np.repeat(size[:, None], 26, 1), rtol=1e-12)
            assert (np.diff(path, axis=0) >= 0).all()  # in the top N: in any larger one
            assert (path[size.tolist().index(6)] == frequency).all()
            chosen = {(row["layer"], row["expert"]) for row in _rows(reduced, f"ses-{task}")}
            assert chosen == {(la + 1, e) for la, e in zip(*np.nonzero(frequency >= 0.9), strict=True)}


def _rows(results: Path, name: str) -> list[dict]:
    return json.loads((results / "sets" / f"{name}.json").read_text())["experts"]


def test_noise_floor_of_halves_of_one_task(tmp_path):
    """Methods: halves of one harmless task have HRCG experts by plain difference; the default rule finds none."""
    keys = {"ses__regular": "law", "ses__jailbreak": "intent", "ses__benign": "law2"}
    run = tmp_path / "run"
    for label, task in (("law", "law"), ("intent", "intent"), ("law2", "law")):
        assert main(["import", "esft", "--trace", str(ESFT / f"{task}.h5"), "--label", label, "--run", str(run)]) == 0
    floors = {}
    for preset in ("", "paper"):
        results = reduce(run, tmp_path / f"out-{preset}", ses__preset=preset, contrast__groups="law:intent", **keys)
        evidence = json.loads((results / "sets/hrcg.json").read_text())["evidence"]
        floors[preset] = evidence["noise_floor"]["mean"]
    assert floors[""] < 1 < floors["paper"]


def test_bad_input_is_named(imported, tmp_path):
    study = {"run.dir": tmp_path / "run", "run.from": imported}
    for key, value, word in (
        ("contrast.groups", "intent:poetry", "intent, law"),
        ("contrast.groups", "intent", "a:b"),
        ("contrast.criteria", "raset", "risk_difference"),
        ("ses.threshold", 0.5, "threshold"),
        ("ses.alpha", 0.001, "none"),
        ("contrast.positions", "response", "response"),
        ("select.x.criterion", "esft_token", "set"),
    ):
        finished = moerae("reduce", study | {key: value}, code=CONFIG)
        assert word in finished.err, finished
        assert not (tmp_path / "run/reduce").exists()
    moerae("reduce", {"run.dir": tmp_path / "nowhere"}, code=CONFIG)


def test_damaged_shard_is_named_on_any_rank(tmp_path):
    run = tmp_path / "run"
    assert main(["import", "esft", "--trace", str(ESFT / "law.h5"), "--label", "law", "--run", str(run),
                 "--shard-prompts", "8"]) == 0  # fmt: skip
    shard = sorted((run / "record").glob("shard-*.h5"))[1]  # read by rank 1
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    finished = moerae("reduce", {"run.dir": run}, ranks=2, code=DATA)
    assert shard.name in finished.err and "delete it" in finished.err
