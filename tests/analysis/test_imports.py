"""Importing published traces. The real ones are read from ../shared/data where they are there."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
from moerae import open_run
from moerae.__main__ import main
from moerae.errors import ConfigError, DataError
from moerae.files import manifest
from moerae.files.corpus import Prompt, read_prompts
from moerae.files.hashing import content_hash, file_hash
from moerae.imports.trace import Trace, cluster_of
from moerae.imports.write import Source, add_trace
from moerae.routing import CLASSES, Routing
from support import moerae

ESFT = Path("../shared/data/esft")
needs_esft = pytest.mark.skipif(not ESFT.is_dir(), reason=f"real traces are not at {ESFT}")


def made_trace(path: Path, seed: int = 0, experts: int = 8, model: str = "made", lengths=(3, 1, 5)) -> Path:
    rng = np.random.default_rng(seed)
    tokens, layers, k = sum(lengths), 2, 3
    with h5py.File(path, "w") as file:
        file["expert"] = rng.permuted(np.tile(np.arange(experts), (tokens, layers, 1)), axis=-1)[..., :k].astype(
            np.uint8
        )
        file["weight"] = rng.integers(0, 3334, (tokens, layers, k)).astype(np.uint16)
        file["sample_offset"] = np.concatenate([[0], np.cumsum(lengths)])
        file.attrs.update({"model": model, "num_experts": experts, "weight_scale": 1e-4})
    return path


def imported(run: Path, trace: Path, label: str, *more: str) -> int:
    return main(["import", "esft", "--trace", str(trace), "--label", label, "--run", str(run), *more])


def files_of(run: Path) -> dict[str, str]:
    return {str(p.relative_to(run)): file_hash(p) for p in sorted(run.rglob("*")) if p.is_file()}


def usage_of(run: Path, label: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """count and gate mass [P, L, K] and tokens [P] of class prompt, from all shards, of one set."""
    with h5py.File(run / "corpus.h5") as corpus:
        code = list(corpus["set"].attrs["categories"]).index(label)
        wanted = corpus["prompt_id"][:][corpus["set"][:] == code]
    parts = []
    for path in sorted((run / "record").glob("shard-*.h5")):
        with h5py.File(path) as shard:
            rows = np.isin(shard["prompt_id"][:], wanted)
            parts.append([shard[f"usage/{name}"][:][rows, 1] for name in ("count", "gate_mass", "tokens")])
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def selected(score: np.ndarray, p: float) -> list[int]:
    """methods.md section 4: integers of 1e-4, score descending, id ascending, the sum tested before each addition."""
    units = np.round(score, 4) * 10_000
    units = np.rint(units).astype(int)
    chosen: list[int] = []
    for expert in np.lexsort((np.arange(len(units)), -units)):
        if units[chosen].sum() >= round(p * 10_000):
            break
        chosen.append(int(expert))
    return chosen


@needs_esft
@pytest.mark.parametrize("task", ["intent", "law"])
def test_selection_on_the_import_gives_the_published_sets(tmp_path, task):
    assert imported(tmp_path / "run", ESFT / f"{task}.h5", task) == 0
    count, mass, tokens = usage_of(tmp_path / "run", task)
    assert (count.sum(-1) == 6 * tokens[:, None]).all()
    published = json.loads((ESFT / f"{task}.selected.json").read_text())["experts"]
    token_score = count.sum(0) / (6 * tokens.sum())
    assert len(published) == 26
    for layer, experts in published.items():
        assert selected(token_score[int(layer) - 1], 0.2) == experts, f"decoder layer {layer}"
    gate = mass.sum(0) / 2**32 / tokens.sum()
    with h5py.File(ESFT / f"{task}.h5") as file:  # gate mass by another road: float64 sums of the published weights
        expert, weight = file["expert"][:].astype(int), file["weight"][:] * 1e-4
    for layer in (0, 25):
        direct = np.bincount(expert[:, layer].ravel(), weight[:, layer].ravel(), 64) / len(expert)
        np.testing.assert_allclose(gate[layer], direct, rtol=0, atol=1e-7)


@needs_esft
def test_divergence_between_law_and_intent(tmp_path):
    q = []
    for task in ("intent", "law"):
        assert imported(tmp_path / "run", ESFT / f"{task}.h5", task) == 0
    for task in ("intent", "law"):
        count, _, tokens = usage_of(tmp_path / "run", task)
        q.append(count.sum(0) / (6 * tokens.sum()))
    middle = (q[0] + q[1]) / 2
    terms = [np.where(p > 0, p * np.log(np.where(p > 0, p, 1) / middle.clip(1e-300)), 0).sum(-1) / 2 for p in q]
    js = terms[0] + terms[1]  # nats, per layer
    assert js.mean() == pytest.approx(0.096638, abs=5e-7)
    assert js.max() == pytest.approx(0.141263, abs=5e-7)


def test_routing_is_sorted_and_agrees_with_usage(tmp_path):
    trace = made_trace(tmp_path / "t.h5")
    assert imported(tmp_path / "run", trace, "a", "--shard-prompts", "2") == 0
    shards = sorted((tmp_path / "run/record").glob("shard-*.h5"))
    assert len(shards) == 2
    for path in shards:
        with h5py.File(path) as file:
            expert, weight, offset = (file[f"routing/{n}"][:] for n in ("expert", "weight", "offset"))
            assert expert.dtype == np.uint8 and weight.dtype == np.float32 and offset[0] == 0
            assert (np.diff(expert.astype(int), axis=-1) > 0).all()
            for p in range(len(offset) - 1):
                for layer in range(2):
                    ids = expert[offset[p] : offset[p + 1], layer].ravel()
                    fixed = [
                        int(w * 2**32 + 0.5) for w in weight[offset[p] : offset[p + 1], layer].ravel().astype(float)
                    ]
                    mass = [sum(f for f, e in zip(fixed, ids, strict=True) if e == x) for x in range(8)]
                    assert (file["usage/count"][p, 1, layer] == np.bincount(ids, minlength=8)).all()
                    assert file["usage/gate_mass"][p, 1, layer].tolist() == mass
            assert file["layer"][:].tolist() == [1, 2] and file.attrs["complete"] == 1
            assert not file["usage/count"][:, [0, 2]].any() and not file["usage/tokens"][:, [0, 2]].any()


def test_import_twice_is_a_no_op_and_a_second_trace_extends(tmp_path):
    run = tmp_path / "run"
    first, second = made_trace(tmp_path / "1.h5", 1), made_trace(tmp_path / "2.h5", 2)
    assert imported(run, first, "a") == 0
    before = files_of(run)
    assert imported(run, first, "a") == 0
    assert files_of(run) == before
    shard = content_hash(run / "record/shard-000000.h5")
    assert imported(run, second, "b") == 0
    assert content_hash(run / "record/shard-000000.h5") == shard
    with h5py.File(run / "corpus.h5") as corpus:
        assert corpus["prompt_id"][:].tolist() == list(range(6))
        assert np.diff(corpus["offset"][:]).tolist() == [3, 1, 5, 3, 1, 5]
        assert "tokens" not in corpus and len(set(corpus["cluster"][:])) == 6 and not corpus["split"][:].any()
        assert (corpus["content_offset"][:, 1] == corpus["offset"][1:]).all()
    entries = manifest.read(run)
    assert set(entries) == {"corpus.h5", "record/shard-000000.h5", "record/shard-000001.h5"}
    for entry in entries.values():
        assert manifest.check(run, entry) and entry.content_hash == content_hash(run / entry.path)


def test_killed_after_the_plan_is_completed_by_repeating(tmp_path):
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    trace = made_trace(tmp_path / "t.h5")
    for run in (whole, torn):
        assert imported(run, trace, "a", "--shard-prompts", "1") == 0
    (torn / "record/shard-000001.h5").unlink()
    lines = (torn / "manifest.jsonl").read_bytes().splitlines(keepends=True)
    (torn / "manifest.jsonl").write_bytes(b"".join(lines[:2]) + lines[2][:20])  # shard 2 published, its line torn
    assert imported(torn, trace, "a", "--shard-prompts", "1") == 0
    content = [{e.path: e.content_hash for e in manifest.read(run).values()} for run in (whole, torn)]
    assert content[0] == content[1]


@pytest.mark.parametrize(
    ("change", "label", "code", "word"),
    [
        ({"model": "other"}, "b", 2, "model"),
        ({"experts": 16}, "b", 2, "experts"),
        ({"seed": 9}, "a", 2, "other data"),
    ],
)
def test_mixing_is_refused_and_nothing_changes(tmp_path, capsys, change, label, code, word):
    run = tmp_path / "run"
    assert imported(run, made_trace(tmp_path / "1.h5"), "a") == 0
    before = files_of(run)
    assert imported(run, made_trace(tmp_path / "2.h5", **change), label) == code
    assert word in capsys.readouterr().err and files_of(run) == before


def test_a_label_that_cannot_name_a_set_is_refused(tmp_path, capsys):
    assert imported(tmp_path / "run", made_trace(tmp_path / "t.h5"), "a/b") == 2
    assert "a/b" in capsys.readouterr().err and not (tmp_path / "run").exists()


def edited(path: Path, **datasets: np.ndarray) -> Path:
    """A made trace with other datasets."""
    made_trace(path)
    with h5py.File(path, "r+") as file:
        for name, values in datasets.items():
            del file[name]
            if values is not None:
                file[name] = values
    return path


def ids_with(value: float, dtype: str = "i4") -> np.ndarray:
    expert = np.tile(np.arange(3).astype(dtype), (9, 2, 1))
    expert[4, 1, 2] = value
    return expert


BAD = {
    "above": ({"expert": ids_with(200)}, "expert id 200"),
    "padding": ({"expert": ids_with(-1)}, "1 of 54 ids are outside"),
    "nan": ({"expert": ids_with(np.nan, "f4")}, "1 of 54 expert ids are not whole"),
    "fraction": ({"expert": ids_with(1.5, "f4")}, "1 of 54 expert ids are not whole"),
    "words": ({"expert": ids_with(1, "S1")}, "not as numbers"),
    "flat": ({"expert": np.zeros(9, "i4")}, "must both be [tokens, layers, k]"),
    "twice": ({"expert": ids_with(0)}, "twice"),
    "offset": ({"sample_offset": np.array([0, 3, 2, 9])}, "offsets"),
    "half": ({"sample_offset": np.array([0, 3.5, 9])}, "offsets are not whole"),
    "missing": ({"weight": None}, "weight"),
    "negative": ({"weight": np.full((9, 2, 3), -1, "i4")}, "54 of 54 gate weights"),
    "not finite": ({"weight": np.full((9, 2, 3), np.nan)}, "54 of 54 gate weights"),
    "scale": ({"weight": np.full((9, 2, 3), 9000, "u2")}, "weight_scale"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_traces_are_named(tmp_path, capsys, name):
    datasets, word = BAD[name]
    assert imported(tmp_path / "run", edited(tmp_path / f"{name}.h5", **datasets), "a") == 3
    error = capsys.readouterr().err
    assert f"{name}.h5" in error and word in error and not (tmp_path / "run").exists()


def test_a_file_of_another_kind_is_told_what_is_wanted(tmp_path, capsys):
    (tmp_path / "text.h5").write_text("not HDF5")
    assert imported(tmp_path / "run", tmp_path / "text.h5", "a") == 3
    assert "expert_weights_N.txt" in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_ids_that_were_stored_as_floats_are_the_same_ids(tmp_path):
    with h5py.File(made_trace(tmp_path / "ids.h5")) as file:
        expert = file["expert"][:]
    assert imported(tmp_path / "run", tmp_path / "ids.h5", "a") == 0
    assert imported(tmp_path / "other", edited(tmp_path / "floats.h5", expert=expert.astype("f8")), "a") == 0
    for count, other in zip(usage_of(tmp_path / "run", "a"), usage_of(tmp_path / "other", "a"), strict=True):
        assert (count == other).all()


def text_trace(folder: Path, lengths=(4, 9), layers=(1, 2, 3)) -> tuple[np.ndarray, np.ndarray]:
    """The authors' files; ids and weights [tokens, layers, 6]."""
    rng, cut = np.random.default_rng(5), np.cumsum([0, *lengths])
    expert = np.argsort(rng.random((cut[-1], len(layers), 64)), -1)[..., :6]
    weight = np.round(rng.uniform(0.02, 0.16, expert.shape), 4)
    folder.mkdir()
    for row, layer in enumerate(layers):
        samples = [(expert[a:b, row].ravel(), weight[a:b, row].ravel()) for a, b in pairwise(cut)]
        lines = ["\t\t".join("\t".join(map(str, half.tolist())) for half in sample) for sample in samples]
        (folder / f"expert_weights_{layer}.txt").write_text("\n".join(lines) + "\n")
    return expert, weight


def test_the_authors_files_are_read(tmp_path):
    expert, weight = text_trace(tmp_path / "law")
    (tmp_path / "law/summary.json").write_text("{}")
    assert imported(tmp_path / "run", tmp_path / "law", "a") == 0
    assert imported(tmp_path / "run", tmp_path / "law", "a") == 0
    with h5py.File(tmp_path / "run/record/shard-000000.h5") as file:
        order = np.argsort(expert, -1)
        assert (file["routing/expert"][:] == np.take_along_axis(expert, order, -1)).all()
        assert (file["routing/weight"][:] == np.take_along_axis(weight, order, -1).astype("f4")).all()
        assert file["layer"][:].tolist() == [1, 2, 3] and len(file["expert"]) == 64
        assert file["routing/offset"][:].tolist() == [0, 4, 13]
    text_trace(tmp_path / "other", lengths=(5, 8))
    assert imported(tmp_path / "run", tmp_path / "other", "a") == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: (folder / "expert_weights_2.txt").unlink(), "expert_weights_2.txt is not there"),
        (lambda folder: (folder / "expert_weights_2.txt").write_text("1\t2\t\t.5\n"), "2 ids and 1 weights"),
        (lambda folder: (folder / "expert_weights_2.txt").write_text("1\tx\t\t.5\t.5\n"), "line 1: not a sample"),
        (lambda folder: (folder / "expert_weights_2.txt").write_text("1 2 3\n"), "two tabs"),
        (lambda folder: (folder / "expert_weights_2.txt").write_text(""), "no sample"),
        (lambda folder: (folder / "expert_weights_3.txt").write_text("1\t2\t3\t4\t5\t6" + "\t\t" + ".1\t" * 5 + ".1"),
         "line 1 has other tokens"),
        (lambda folder: [path.unlink() for path in folder.iterdir()], "expected a folder"),
    ],
)  # fmt: skip
def test_damaged_files_of_the_authors_are_named(tmp_path, capsys, change, words):
    text_trace(tmp_path / "law")
    change(tmp_path / "law")
    assert imported(tmp_path / "run", tmp_path / "law", "a") == 3
    assert words in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_damaged_shard_is_found_on_the_next_import(tmp_path, capsys):
    run = tmp_path / "run"
    trace = made_trace(tmp_path / "t.h5")
    assert imported(run, trace, "a") == 0
    shard = run / "record/shard-000000.h5"
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    assert imported(run, trace, "a") == 3
    assert "shard-000000.h5" in capsys.readouterr().err


def chat_trace(rng: np.random.Generator, sets: tuple[str, ...] = ("asked", "refused"), label: str = "chat") -> Trace:
    """24 prompts of two sets in twelve pairs: two tokens of template, four of text, one of template, a reply of three;
    every fourth has no reply. Experts 0 and 1 answer tokens of the first set's replies, others are random."""
    prompts, classes = [], []
    for row in range(24):
        reply = 3 * (row % 4 != 0)
        classes += [0, 0, 1, 1, 1, 1, 0] + [2] * reply
        prompts.append(
            Prompt(
                rng.integers(0, 90, 7 + reply).tolist(),
                sets[row % 2],
                cluster_of(label, row // 2),
                (2, 6),
                response=7 if reply else None,
                label=(None, "forbidden")[row % 2],
                topic=f"topic {row // 2 % 3}",
                split=0,
                source=label,
                source_row=row,
            )
        )
    offset = np.concatenate([[0], np.cumsum([len(prompt.tokens) for prompt in prompts])])
    expert = rng.permuted(np.tile(np.arange(8), (offset[-1], 2, 1)), axis=-1)[..., :2]
    first = np.repeat([prompt.set == sets[0] for prompt in prompts], np.diff(offset))
    expert[first & (np.array(classes) == 2)] = [0, 1]
    logits = rng.normal(size=(offset[-1], 2, 8)).astype(np.float32)
    routing = Routing(expert, rng.random(expert.shape, np.float32), offset, logits)
    trace = Trace("made", np.array([1, 3], np.int32), 8, routing, prompts, has_tokens=True)
    assert trace.classes.tolist() == classes
    return trace


def test_a_trace_with_labels_and_replies_is_reduced(tmp_path):
    run, rng = tmp_path / "run", np.random.default_rng(3)
    (tmp_path / "trace").write_text("what the trace was read from")
    traces = {label: chat_trace(rng, (f"{label}-asked", f"{label}-refused"), label) for label in ("one", "two")}
    for label, trace in traces.items():
        assert add_trace(run, trace, Source("made", tmp_path / "trace", label), shard_prompts=10)
        assert not add_trace(run, trace, Source("made", tmp_path / "trace", label), shard_prompts=10)
    opened = open_run(run, verify=True)
    prompts = [prompt for trace in traces.values() for prompt in trace.prompts]
    assert read_prompts(run / "corpus.h5") == prompts
    # what the shards hold per token and per class is what went in
    routing = xr.concat([opened.routing(i) for i in range(len(opened.shards))], "token")
    order = np.concatenate([trace.routing.sorted().expert for trace in traces.values()])
    classes = np.concatenate([trace.classes for trace in traces.values()])
    assert (routing["expert_id"].values == order).all()
    assert (routing["class"].values == np.array(CLASSES)[classes]).all()
    assert (routing["logits"].values == np.concatenate([t.routing.logits for t in traces.values()])).all()
    for name, code in (("template", 0), ("prompt", 1), ("response", 2)):
        used = opened.usage["count"].sel({"class": name}).sum("prompt").values
        assert (used == [np.bincount(order[classes == code, row].ravel(), minlength=8) for row in (0, 1)]).all()
    keys = {"contrast.groups": "one-asked:one-refused", "contrast.criteria": "risk_difference"}
    more = {"ses.sets": "one-asked", "ses.samples": 20, "contrast.positions": "response", "reduce.controls": 0}
    moerae("reduce", {"run.dir": run} | keys | more)
    score = open_run(run).contrast("risk_difference", "one-asked:one-refused")["score"]
    assert (score[:, :2] > 0.4).all() and (score[:, 2:] < 0).all()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"content": (2, 9)}, "prompt 1: text"),
        ({"response": 11}, "reply from 11"),
        ({"set": "a b"}, "cannot name a set"),
        ({"tokens": [1]}, "other lengths"),
    ],
)
def test_a_trace_whose_parts_disagree_is_refused(tmp_path, change, word):
    trace = chat_trace(np.random.default_rng(1))
    trace.prompts[1] = replace(trace.prompts[1], **change)
    with pytest.raises(DataError, match=word):
        add_trace(tmp_path / "run", trace, Source("made", tmp_path / "trace", "a"))
    assert not (tmp_path / "run").exists()


def test_a_run_of_traces_with_tokens_takes_none_without(tmp_path):
    trace = chat_trace(np.random.default_rng(1))
    (tmp_path / "trace").write_text("")
    add_trace(tmp_path / "run", trace, Source("made", tmp_path / "trace", "a"))
    with pytest.raises(ConfigError, match="another tokens"):
        add_trace(tmp_path / "run", replace(trace, has_tokens=False), Source("made", tmp_path / "trace", "b"))
