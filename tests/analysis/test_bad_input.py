"""Studies, corpora, run folders and launches that cannot be: one error, the right exit code, nothing overwritten."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import support
from moerae.reference import checkpoints

CONFIG, DATA = support.CONFIG, support.DATA


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("made")
    return {
        "model": checkpoints.make("qwen3-all-experts", folder / "model"),  # 4 experts
        "other shapes": checkpoints.make("qwen3-grouped", folder / "other-shapes"),
        "other weights": checkpoints.make("qwen3-all-experts", folder / "other-weights", seed=99),
        "corpus": support.random_corpus(folder / "corpus.h5", [5, 9, 1, 30], checkpoints.VOCABULARY),
        "other corpus": support.random_corpus(folder / "corpus2.h5", [5, 9, 1, 31], checkpoints.VOCABULARY, seed=2),
    }


# study keys that override a sound study -> (ranks, exit code, words the error must have)
STUDIES = {
    "unknown key": ({"record.rooting": "true"}, None, CONFIG, ["record.rooting"]),
    "unknown section": ({"recrod.routing": "true"}, None, CONFIG, ["recrod.routing"]),
    "no number": ({"record.batch_tokens": "many"}, None, CONFIG, ["record.batch_tokens", "many"]),
    "zero": ({"record.batch_tokens": 0}, None, CONFIG, ["record.batch_tokens", "0"]),
    "negative": ({"record.shard_prompts": -4}, None, CONFIG, ["record.shard_prompts", "-4"]),
    "unknown dtype": ({"model.dtype": "float8"}, None, CONFIG, ["model.dtype", "float8", "bfloat16"]),
    "unknown precision": ({"record.precision": "int8"}, None, CONFIG, ["record.precision", "int8"]),
    "device cuda": ({"model.device": "cuda"}, None, CONFIG, ["model.device", "cuda"]),
    "layer-major": ({"model.schedule": "layer-major"}, None, CONFIG, ["model.schedule", "layer-major"]),
    "several at once": (
        {"record.rooting": "true", "model.dtype": "float8", "record.batch_tokens": 0, "grid.expert": -1},
        None,
        CONFIG,
        ["record.rooting", "model.dtype", "record.batch_tokens", "grid.expert"],
    ),
    "no model": ({"model.path": "nowhere"}, None, DATA, ["nowhere"]),
    "no corpus": ({"corpus.path": "nowhere.h5"}, None, DATA, ["nowhere.h5"]),
    "unknown set": ({"corpus.sets": "a,regular"}, None, CONFIG, ["corpus.sets", "regular"]),
    "empty set name": ({"corpus.sets": "a,,b"}, None, CONFIG, ["corpus.sets"]),
    "more expert ranks than experts": ({"grid.expert": 5}, 5, CONFIG, ["grid.expert", "5", "4"]),
    "ranks that do not divide": ({"grid.expert": 2}, 3, CONFIG, ["grid.expert", "2", "3"]),
    "more expert ranks than ranks": ({"grid.expert": 2}, 1, CONFIG, ["grid.expert", "2", "1"]),
}


@pytest.mark.parametrize("fault", STUDIES)
def test_study(fault: str, made: dict[str, Path], tmp_path: Path) -> None:
    keys, ranks, code, words = STUDIES[fault]
    study = support.recording(made["model"], made["corpus"], tmp_path / "run") | keys
    support.assert_one_error(support.moerae("record", study, ranks, code=code), words)
    assert not support.shards(tmp_path / "run")


@pytest.mark.parametrize("command", ["plan", "record"])
def test_what_reduce_cannot_do_with_the_corpus(command: str, made: dict[str, Path], tmp_path: Path) -> None:
    """Said before anything is computed, all of it at once, and of the run's own recording only."""
    study = support.recording(made["model"], made["corpus"], tmp_path / "run")
    keys = {"contrast.groups": "a:nobody", "ses.sets": "b,c", "select.x.criterion": "esft_gate"}
    ended = support.moerae(command, study | keys, code=CONFIG)
    support.assert_one_error(ended, ["contrast.groups = nobody", "ses.sets = c", "there are a, b", "select.x.set"])
    assert not (tmp_path / "run").exists()
    support.moerae(command, study | keys | {"run.from": tmp_path / "other"}, code=0)


def test_faults_of_a_file_name_the_file(made: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "study.ini").write_text("[model]\npaht = x\ndtype = float8\n\n[record]\nbatch_tokens = none\n")
    ended = support.moerae(f"record {tmp_path / 'study.ini'}", {}, code=CONFIG)
    support.assert_one_error(ended, ["study.ini", "model.paht", "model.dtype", "float8", "record.batch_tokens", "none"])


def test_no_such_study(tmp_path: Path) -> None:
    support.assert_one_error(support.moerae(f"record {tmp_path / 'none.ini'}", {}, code=CONFIG), ["none.ini"])


def test_no_such_command() -> None:
    support.assert_one_error(support.moerae("recrod", {}, code=CONFIG), ["recrod", "record", "verify"])


def replace(name: str, change):
    """-> a mutation of one dataset of a corpus; `change` gives its new values, None removes it."""

    def mutate(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            values, attributes = file[name][()], dict(file[name].attrs)
            del file[name]
            changed = change(values)
            if changed is not None:
                file[name] = changed
                file[name].attrs.update(attributes)

    return mutate


def put(index: int, value: int):
    def change(values: np.ndarray) -> np.ndarray:
        values = values.copy()
        values[index] = value
        return values

    return change


def empty_set(path: Path) -> None:
    """A category that no prompt has."""
    with h5py.File(path, "r+") as file:
        file["set"].attrs.create("categories", ["a", "b", "c"], dtype=h5py.string_dtype())


CORPORA = {
    "token beyond the vocabulary": (replace("tokens", put(7, 97)), {}, DATA, ["corpus.h5", "prompt", "token 97"]),
    "token of 2^32-1": (
        replace("tokens", put(7, 2**32 - 1)),
        {},
        DATA,
        ["corpus.h5", "token 4294967295", "97"],
    ),
    "no offsets": (replace("offset", lambda values: None), {}, DATA, ["corpus.h5", "offset"]),
    "offsets descend": (replace("offset", put(2, 1)), {}, DATA, ["corpus.h5", "offset"]),
    "offsets end early": (replace("offset", put(-1, 44)), {}, DATA, ["corpus.h5", "offset", "44", "45"]),
    "offsets beyond the tokens": (replace("offset", put(-1, 4500)), {}, DATA, ["corpus.h5", "offset", "4500", "45"]),
    "a prompt without tokens": (replace("offset", put(1, 0)), {}, DATA, ["corpus.h5", "offset"]),
    "response outside its prompt": (replace("response_offset", put(1, 3)), {}, DATA, ["corpus.h5", "response_offset"]),
    "content outside its prompt": (replace("content_offset", put(1, 3)), {}, DATA, ["corpus.h5", "content_offset"]),
    "duplicate prompt ids": (replace("prompt_id", put(1, 0)), {}, DATA, ["corpus.h5", "prompt_id"]),
    "set without a name": (replace("set", put(1, 7)), {}, DATA, ["corpus.h5", "set", "7"]),
    "too few sets": (replace("set", lambda values: values[:-1]), {}, DATA, ["corpus.h5", "set"]),
    "no HDF5": (lambda path: path.write_bytes(b"tokens\n1 2 3\n"), {}, DATA, ["corpus.h5"]),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-900]), {}, DATA, ["corpus.h5"]),
    "empty set": (empty_set, {"corpus.sets": "c"}, CONFIG, ["corpus.sets: c", "corpus.h5"]),
}


@pytest.mark.parametrize("fault", CORPORA)
def test_corpus(fault: str, made: dict[str, Path], tmp_path: Path) -> None:
    mutate, keys, code, words = CORPORA[fault]
    corpus = tmp_path / "corpus.h5"
    shutil.copy(made["corpus"], corpus)
    mutate(corpus)
    study = support.recording(made["model"], corpus, tmp_path / "run") | keys
    support.assert_one_error(support.moerae("record", study, code=code), words)
    assert not support.shards(tmp_path / "run")


@pytest.mark.parametrize("other", ["other shapes", "other weights", "other corpus"])
def test_run_folder_of_another_study(other: str, made: dict[str, Path], tmp_path: Path) -> None:
    run = tmp_path / "run"
    study = support.recording(made["model"], made["corpus"], run)
    support.moerae("record", study)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.parent.name != "log"}
    key = "corpus.path" if other == "other corpus" else "model.path"
    ended = support.moerae("record", study | {key: made[other]}, ranks=2, code=CONFIG)
    support.assert_one_error(ended, ["run.dir", str(run)])
    assert {path: path.read_bytes() for path in before} == before


# a launcher that made N single ranks tells each of them N
LAUNCHES = {
    "slurm": {"SLURM_JOB_ID": "7", "SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_ID": "0", "SLURM_PROCID": "1"},
    "open mpi": {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "0"},
}


@pytest.mark.parametrize("launcher", LAUNCHES)
@pytest.mark.parametrize("command", ["record", "reduce"])
def test_singletons_are_refused(command: str, launcher: str, made: dict[str, Path], tmp_path: Path) -> None:
    study = support.recording(made["model"], made["corpus"], tmp_path / "run")
    ended = support.moerae(command, study, env=LAUNCHES[launcher], code=CONFIG, timeout=20)
    support.assert_one_error(ended, [next(key for key in LAUNCHES[launcher] if "TASKS" in key or "SIZE" in key), "2"])
    assert not (tmp_path / "run").exists()


def test_singletons_may_ask_for_information() -> None:
    assert "torch" in support.moerae("info", {}, env=LAUNCHES["slurm"]).out.lower()
