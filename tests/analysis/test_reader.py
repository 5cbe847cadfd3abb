"""open_run: what is written is what is read, and what is damaged is named."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
from made_run import CLUSTERS, LAYERS, PROMPT, RESPONSE, SETS, TEMPLATE, TOP, K, add_scores, made_run
from moerae import open_run
from moerae.errors import ConfigError, DataError


@pytest.fixture
def run(tmp_path):
    return made_run(tmp_path / "run")


def test_usage_is_that_of_the_shards_with_labels(run):
    usage = open_run(run, verify=True).usage
    assert dict(usage.sizes) == {"prompt": CLUSTERS * len(SETS), "class": 3, "layer": len(LAYERS), "expert": K}
    assert usage.layer.values.tolist() == LAYERS and usage["class"].values.tolist() == [
        "template",
        "prompt",
        "response",
    ]
    for shard in sorted((run / "record").glob("shard-*.h5")):
        with h5py.File(shard) as file:
            part = usage.sel(prompt=file["prompt_id"][:])
            assert (part["count"].values == file["usage/count"][:]).all()
            assert (part["gate_mass"].values * 2.0**32 == file["usage/gate_mass"][:]).all()
    totals = usage["count"].sel({"class": "prompt"}).groupby("set").sum()
    assert totals["set"].values.tolist() == list(SETS) and (totals.sum("expert") == CLUSTERS * PROMPT * TOP).all()
    assert usage["label"].isnull().values[:3].tolist() == [False, True, False]  # permitted prompts have no label here
    assert usage["tokens"].values[0].tolist() == [TEMPLATE, PROMPT, RESPONSE]


def test_routing_adds_up_to_usage(run):
    opened = open_run(run)
    for index in range(len(opened.shards)):
        routing = opened.routing(index)
        for prompt in np.unique(routing["prompt"].values):
            for name in ("template", "prompt", "response"):
                inside = (routing["prompt"].values == prompt) & (routing["class"].values == name)
                count = opened.usage["count"].sel(prompt=prompt).sel({"class": name}).values
                for row in range(len(LAYERS)):
                    ids = routing["expert_id"].values[inside, row].ravel()
                    assert (np.bincount(ids, minlength=K) == count[row]).all()


def test_corpus_tokens_and_parts(run):
    opened = open_run(run)
    assert len(opened.corpus) == 36 and opened.corpus["set"].value_counts().to_dict() == dict.fromkeys(SETS, 12)
    with h5py.File(run / "corpus.h5") as file:
        assert (opened.tokens(5) == file["tokens"][60:72]).all()
    part = opened.load_usage(["regular"])
    assert set(part["set"].values) == {"regular"} and part.sizes["prompt"] == 12


def test_scores_paths_and_sets(run):
    opened = open_run(add_scores(run))
    with h5py.File(run / "reduce/scores.h5") as file:
        assert (opened.scores["ses/regular/frequency"].values == file["ses/regular/frequency"][:]).all()
        assert (opened.paths["regular"].sel(size=2).values == file["ses/regular/frequency"][:]).all()
    assert "contrast/js/regular-vs-permitted/divergence" not in opened.scores  # one number a layer, no score of experts
    assert opened.scores["ses/regular/usage"].sel(layer=3).dims == ("expert",)
    assert opened.expert_sets == ["hcdg", "ses-regular"]
    best = opened.expert_set("ses-regular")
    assert best.attrs["criterion"] == "ses" and best.attrs["provenance"]["stability"]["threshold"] == 0.9
    assert {(1, 2), (3, 5)} <= set(zip(best["layer"], best["expert"], strict=True)) and (best["frequency"] >= 0.9).all()
    with pytest.raises(DataError, match="no such set; there are hcdg, ses-regular"):
        opened.expert_set("hrcg")


def edit(path, change):
    with h5py.File(path, "r+") as file:
        change(file)


DAMAGE = {
    "missing": lambda path: path.unlink(),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:3000]),
    "no HDF5": lambda path: path.write_bytes(b"text"),
    "unfinished": lambda path: edit(path, lambda f: f.attrs.modify("complete", 0)),
    "without counts": lambda path: edit(path, lambda f: f.__delitem__("usage/count")),
    "of another study": lambda path: edit(path, lambda f: f["prompt_id"].__setitem__(0, 999)),
    "of another model": lambda path: edit(path, lambda f: f["layer"].__setitem__(0, 7)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_shards_are_named(run, damage):
    DAMAGE[damage](run / "record/shard-000001.h5")
    with pytest.raises(DataError, match=r"shard-000001\.h5"):
        _ = open_run(run).usage


def test_verify_finds_a_flipped_bit(run):
    path = run / "record/shard-000001.h5"
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"shard-000001\.h5: differs"):
        open_run(run, verify=True)


def test_missing_and_repeated_prompts_are_errors(run):
    lines = (run / "manifest.jsonl").read_text().splitlines(keepends=True)
    (run / "manifest.jsonl").write_text("".join(line for line in lines if "shard-000002" not in line))
    with pytest.raises(DataError, match="4 prompts of recorded sets have no shard"):
        _ = open_run(run).usage
    assert open_run(run).load_usage(partial=True).sizes["prompt"] == 32
    edit(run / "record/shard-000001.h5", lambda file: file["prompt_id"].__setitem__(0, 3))
    with pytest.raises(DataError, match="prompt 3 stands in two shards"):
        open_run(run).load_usage(partial=True)


def test_a_record_of_some_sets_is_complete_without_the_others(tmp_path):
    run = made_run(tmp_path / "run", shard_prompts=1)
    left_out = {f"shard-{i:06d}" for i in range(CLUSTERS * len(SETS)) if SETS[i % len(SETS)] == "permitted"}
    lines = (run / "manifest.jsonl").read_text().splitlines(keepends=True)
    kept = [line for line in lines if not any(name in line for name in left_out)]
    (run / "manifest.jsonl").write_text("".join(kept))
    with pytest.raises(DataError, match="12 prompts of recorded sets"):
        _ = open_run(run).usage
    stage = json.loads((run / "record/stage.json").read_text())
    stage["inputs"]["corpus.sets"] = ["regular", "jailbreak"]
    (run / "record/stage.json").write_text(json.dumps(stage))
    usage = open_run(run).usage
    assert usage.sizes["prompt"] == CLUSTERS * 2 and set(usage["set"].values) == {"regular", "jailbreak"}


def test_choice_between_folders_and_absent_stages(run, tmp_path):
    with pytest.raises(DataError, match="moerae reduce"):
        _ = open_run(run).scores
    (run / "record-0123abcd").mkdir()
    with pytest.raises(ConfigError, match="record, record-0123abcd"):
        open_run(run)
    assert open_run(run, record="record").usage.sizes["prompt"] == 36
    with pytest.raises(ConfigError, match="reduce-x"):
        open_run(run, record="record", reduce="reduce-x")
    with pytest.raises(DataError, match="no such run"):
        open_run(tmp_path / "nothing")


def test_damaged_manifest_stage_and_sets_are_named(run):
    add_scores(run)
    (run / "reduce/sets/hcdg.json").write_text(json.dumps({"schema": "other"}))
    with pytest.raises(DataError, match=r"hcdg\.json"):
        open_run(run).expert_set("hcdg")
    (run / "record/stage.json").write_text("{")
    with pytest.raises(DataError, match=r"stage\.json"):
        _ = open_run(run).usage
    with open(run / "manifest.jsonl", "a") as handle:
        handle.write('{"path": "x"')  # torn by a kill: ignored
    assert "x" not in open_run(run).manifest
    with open(run / "manifest.jsonl", "a") as handle:
        handle.write("\n")
    with pytest.raises(DataError, match=r"manifest\.jsonl, line"):
        open_run(run)


def test_corpus_of_the_run_whose_record_was_reduced(run, tmp_path):
    add_scores(run)
    other = tmp_path / "other"
    other.mkdir()
    (run / "reduce").rename(other / "reduce")
    with pytest.raises(DataError, match=r"other/corpus\.h5"):
        _ = open_run(other).corpus
    edit(
        other / "reduce/scores.h5", lambda file: file.attrs.update({"config": json.dumps({"run": {"from": str(run)}})})
    )
    assert open_run(other).corpus.equals(open_run(run).corpus)
