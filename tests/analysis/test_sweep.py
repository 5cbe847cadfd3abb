"""`moerae sweep`: shared records and reductions, faults before anything is written, adding to a sweep, its status."""

from __future__ import annotations

import csv
from pathlib import Path

import support
from support import COMPLETE, CONFIG, RESUMABLE, ROOT, call, status

STUDY = ROOT / "jobs/sweep.ini"
# the statistics are not what is tested
FEW = ["--contrast.criteria", "template_gate", "--contrast.permutations", "20", "--ses.samples", "10"]


def sweep(folder: Path, *words: str) -> support.Finished:
    return call("sweep", str(STUDY), "--sweep.dir", str(folder), *FEW, *words)


def tasks(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "tasks.tsv").open(), delimiter="\t"))


def test_three_models_and_three_seeds(tmp_path: Path) -> None:
    """The sweep that is shipped: three records serve nine reductions, and repeating goes on."""
    folder = tmp_path / "sweep"
    planned = sweep(folder)
    assert planned.code == COMPLETE, planned
    assert planned.out.splitlines()[-1] == str(folder)
    assert "9 cells, 3 records (6 of 9 recordings need not be made)" in planned.out
    assert status(folder)[0] == RESUMABLE
    records = [task for task in tasks(folder) if task["stage"] == "record"]
    assert len(records) == 3
    for n, task in enumerate(records):
        ran = call("record", task["study"], ranks=(None, 2)[n % 2])
        assert ran.code == COMPLETE, ran
    reductions = [task for task in tasks(folder) if task["stage"] == "reduce"]
    assert sorted(task["run"] for task in reductions) == sorted(
        f"{model}-seed{seed}" for model in ("base-float32", "base-bfloat16", "null-float32") for seed in (1, 2, 3)
    )
    for task in reductions:
        ran = call("reduce", task["study"])
        assert ran.code == COMPLETE, ran
        assert not (folder / task["run"] / "record").exists()
    code, rows = status(folder)
    assert code == COMPLETE and len(rows) == 12
    assert {row["state"] for row in rows.values()} == {"complete"}

    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.ini")}
    assert sweep(folder).code == COMPLETE
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.ini")} == before
    # more seeds leave what is there; other keys of a stage ask for it anew, and for nothing else
    assert sweep(folder, "--run.seed", "0..3").code == COMPLETE
    code, rows = status(folder)
    assert code == RESUMABLE
    assert {run for (run, _), row in rows.items() if row["state"] == "open"} == {
        f"{model}-seed0" for model in ("base-float32", "base-bfloat16", "null-float32")
    }
    assert sweep(folder, "--contrast.count", "5").code == COMPLETE
    rows = status(folder)[1]
    assert {row["state"] for (_, stage), row in rows.items() if stage == "record"} == {"complete"}
    assert {row["state"] for (_, stage), row in rows.items() if stage == "reduce"} == {"open"}
    assert sweep(folder, "--record.batch_tokens", "512").code == COMPLETE
    rows = status(folder)[1]
    assert len(rows) == 12 and {row["state"] for row in rows.values()} == {"open"}


def test_what_decides_a_record_is_read_from_the_table_of_keys(tmp_path: Path) -> None:
    one = [*["--sweep.zip=", "--sweep.names=", "--run.seed", "1"], "--model.path", str(ROOT / "data/planted/base")]
    one += ["--corpus.path", str(ROOT / "data/planted/base/corpus.h5"), "--model.dtype", "float32"]

    def records(*words: str) -> int:
        done = sweep(tmp_path / "sweep", *one, *words)
        assert done.code == COMPLETE, done
        return sum(task["stage"] == "record" for task in tasks(tmp_path / "sweep"))

    assert records("--record.shard_prompts", "128|256") == 2
    assert records("--ses.alpha", "auto|0.25") == 1
    assert records("--run.wall_limit", "100|200") == 1
    # attributions lie beside the record that is reduced, so there is one of each for each
    assert records("--attribute.passes", "8|16") == 1
    assert records("--attribute.passes", "8|16", "--sweep.stages", "record, attribute, reduce") == 2


def test_all_stages_of_a_cell(tmp_path: Path) -> None:
    """Evaluate and tune find the sets of their own cell; status counts files and steps."""
    folder = tmp_path / "sweep"
    cheap = ["--sweep.stages", "record, reduce, tune, evaluate", "--run.seed", "1", "--sweep.names", "{model.path}"]
    cheap += ["--model.path", f"{ROOT}/data/planted/base | {ROOT}/data/planted/null", "--model.dtype", "float32"]
    cheap += ["--corpus.path", f"{ROOT}/data/planted/base/corpus.h5 | {ROOT}/data/planted/null/corpus.h5"]
    cheap += ["--sweep.zip", "model.path + corpus.path", "--sweep.exclude", "model.path = null"]
    found = "template_gate-regular-vs-permitted-and-lookalike"
    cheap += ["--evaluate.conditions", f"mask:{found}@1", "--evaluate.controls", "1", "--evaluate.max_new_tokens", "2"]
    cheap += ["--tune.set", found, "--tune.steps", "2", "--tune.batch_tokens", "256", "--tune.sets", "jailbreak"]
    planned = sweep(folder, *cheap)
    assert planned.code == COMPLETE, planned
    assert [task["stage"] for task in tasks(folder)] == ["record", "reduce", "tune", "evaluate"]
    for task in tasks(folder):
        ran = call(task["stage"], task["study"])
        assert ran.code == COMPLETE, ran
    code, rows = status(folder)
    assert code == COMPLETE, rows
    assert int(rows["base", "evaluate"]["total"]) == len(list((folder / "base/evaluate").glob("*/shard-*.h5"))) > 10
    # other conditions are other replies, though no input of the stage
    other = [word.replace("@1", "@2") for word in cheap]
    assert sweep(folder, *other).code == COMPLETE
    assert status(folder)[1]["base", "evaluate"]["state"] == "open"
    assert status(folder / "base")[0] == COMPLETE  # the run by itself is as it was asked for


def test_cells_that_differ_behind_reduce_share_a_reduction(tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    found = "template_gate-regular-vs-permitted-and-lookalike"
    words = [
        f"--{part}.path={ROOT}/data/planted/base{file}" for part, file in (("model", ""), ("corpus", "/corpus.h5"))
    ]
    words += ["--sweep.zip=", "--sweep.names=", "--model.dtype=float32", "--sweep.stages", "record, reduce, tune"]
    words += ["--tune.set", found, "--tune.steps", "1", "--tune.batch_tokens", "64", "--tune.sets", "jailbreak"]
    planned = sweep(folder, *words, "--run.seed", "1..2", "--tune.learning_rate", "0.1 | 0.01")
    assert planned.code == COMPLETE and "2 shared reductions" in planned.out, planned
    plan = tasks(folder)
    assert [task["stage"] for task in plan] == ["record", "reduce", "reduce", "tune", "tune", "tune", "tune"]
    # a task of the same slot, so that arrays pair them, and waits for what it takes its set from
    assert {task["slot"] for task in plan} == {"0"} and len({task["lane"] for task in plan[1:]}) == 6
    assert [task["after"] for task in plan if task["run"] == "seed2-learning_rate0.01"] == [plan[2]["run"]]
    for task in (plan[0], plan[1], plan[3], plan[4]):  # of seed 1
        ran = call(task["stage"], task["study"])
        assert ran.code == COMPLETE, ran
    rows = status(folder)[1]
    assert {name for (name, _), row in rows.items() if row["state"] == "complete"} == {
        task["run"] for task in (plan[0], plan[1], plan[3], plan[4])
    }
    alone = sweep(folder, *words, "--run.seed", "1..2", "--tune.learning_rate", "0.1")
    assert "shared reductions" not in alone.out  # a cell of its own reduces for itself
    assert [task["run"] for task in tasks(folder)[1:]] == ["seed1", "seed2", "seed1", "seed2"]


def test_faults_of_all_cells_are_told_before_anything_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    words = ["--contrast.groups", "regular:permitted | regular:nobody", "--grid.expert", "1 | 17"]
    done = sweep(folder, *words, "--sweep.names", "{model.path}{model.dtype}{run.seed}{contrast.groups}{grid.expert}")
    assert done.code == CONFIG and "nothing was written" in done.err
    assert "'nobody'" in done.err or "nobody" in done.err
    assert "grid.expert = 17" in done.err and "more cells" in done.err
    assert not folder.exists()
    sets = [
        "--sweep.stages",
        "record, reduce, tune, evaluate",
        "--tune.set",
        "template_gate-regular-vs-permited-and-lookalike",
    ]
    done = sweep(folder, *sets, "--evaluate.conditions", "mask:nothing", "--tune.sets", "jailbreak")
    assert done.code == CONFIG and "mask:nothing: `reduce` will write no set 'nothing'" in done.err
    assert "did you mean template_gate-regular-vs-permitted-and-lookalike?" in done.err
    done = sweep(folder, "--job.record.tasks", "3", "--grid.expert", "2")
    assert done.code == CONFIG and "job.record.tasks = 3: not a multiple of grid.expert = 2" in done.err


def test_a_cell_of_another_study_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    one = ["--sweep.zip=", "--run.seed", "1|2", "--sweep.names", "s{run.seed}", "--model.dtype", "float32"]
    one += ["--sweep.stages", "evaluate", "--evaluate.max_new_tokens", "1"]
    paths = [
        ["--model.path", f"{ROOT}/data/planted/{name}", "--corpus.path", f"{ROOT}/data/planted/{name}/corpus.h5"]
        for name in ("base", "null")
    ]
    assert sweep(folder, *one, *paths[0]).code == COMPLETE
    assert call("evaluate", str(folder / "s2.ini")).code == COMPLETE
    done = sweep(folder, *one, *paths[1])
    assert done.code == CONFIG and "s2: " in done.err and "belongs to another study" in done.err
