"""Damage to finished files is found by `verify` and by `reduce`, named, and never read as results."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import support
from moerae.reference import checkpoints
from safetensors.torch import load_file, save_file

SHARD = "record/shard-000002.h5"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    model = checkpoints.make("qwen3-grouped", folder / "model")
    corpus = support.random_corpus(folder / "corpus.h5", [7 + i % 20 for i in range(24)], checkpoints.VOCABULARY)
    support.moerae("record", support.recording(model, corpus, folder / "run"), ranks=2)
    assert len(support.shards(folder / "run")) > 3
    return folder


def reduction(sound: Path, run: Path) -> dict[str, object]:
    study = support.recording(sound / "model", sound / "corpus.h5", run)
    return study | {"contrast.criteria": "risk_difference", "contrast.groups": "a:b", "ses.sets": "a"}


def flip(at: float):
    """-> damage of one bit at this share of the file."""

    def damage(path: Path) -> None:
        raw = bytearray(path.read_bytes())
        raw[int(at * (len(raw) - 1))] ^= 0x10
        path.write_bytes(raw)

    return damage


DAMAGES = {
    "a bit in the superblock": flip(0.0),
    "a bit near the front": flip(0.1),
    "a bit in the middle": flip(0.5),
    "the last bit": flip(1.0),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-512]),
    "emptied": lambda path: path.write_bytes(b""),
    "deleted": lambda path: path.unlink(),
    "another shard in its place": lambda path: shutil.copy(path.with_name("shard-000001.h5"), path),
}


@pytest.fixture
def run(sound: Path, tmp_path: Path) -> Path:
    return shutil.copytree(sound / "run", tmp_path / "run")


@pytest.mark.parametrize("damage", DAMAGES)
def test_found_by_verify_and_reduce(damage: str, sound: Path, run: Path) -> None:
    DAMAGES[damage](run / SHARD)
    support.assert_one_error(support.moerae("verify", {"run.dir": run}, code=support.DATA), [SHARD])
    ended = support.moerae("reduce", reduction(sound, run), ranks=2, code=support.DATA)
    support.assert_one_error(ended, [SHARD])
    assert not (run / "reduce/scores.h5").exists(), "scores were made from a damaged record"


def test_a_sound_run_passes(sound: Path, run: Path) -> None:
    support.moerae("verify", {"run.dir": run}, ranks=2)
    support.moerae("reduce", reduction(sound, run), ranks=2)
    assert (run / "reduce/scores.h5").is_file()
    support.moerae("verify", {"run.dir": run})


def test_a_damaged_score_file_is_found(sound: Path, run: Path) -> None:
    support.moerae("reduce", reduction(sound, run))
    flip(0.5)(run / "reduce/scores.h5")
    support.assert_one_error(support.moerae("verify", {"run.dir": run}, code=support.DATA), ["reduce/scores.h5"])


def test_an_unfinished_record_is_not_reduced(sound: Path, run: Path) -> None:
    """A shard that was never made: neither listed nor there."""
    (run / SHARD).unlink()
    lines = (run / "manifest.jsonl").read_text().splitlines(keepends=True)
    (run / "manifest.jsonl").write_text("".join(line for line in lines if SHARD not in line))
    ended = support.moerae("reduce", reduction(sound, run), ranks=2, code=support.DATA)
    support.assert_one_error(ended, ["record", "missing"])


def test_what_all_ranks_find_is_said_once(sound: Path, run: Path) -> None:
    study = reduction(sound, run) | {"ses.alpha": 1}
    support.assert_one_error(support.moerae("reduce", study, ranks=2, code=support.CONFIG), ["ses.alpha = 1"])
    (run / "record/stage.json").write_text("{")
    recording = support.recording(sound / "model", sound / "corpus.h5", run)
    support.assert_one_error(support.moerae("record", recording, ranks=2, code=support.DATA), ["stage.json"])


def test_weights_that_changed_behind_their_beginning(sound: Path, run: Path, tmp_path: Path) -> None:
    """The fingerprint sees the start of every tensor; the rest is compared with that of the finished shards."""
    model = shutil.copytree(sound / "model", tmp_path / "model")
    weights = load_file(model / "model.safetensors")
    name = max(weights, key=lambda key: weights[key].nbytes)
    assert weights[name].nbytes > 4096
    weights[name].flatten()[-1] += 1
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    (run / SHARD).unlink()
    before = support.content(run)
    study = support.recording(model, sound / "corpus.h5", run)
    support.assert_one_error(support.moerae("record", study, ranks=2, code=support.CONFIG), ["weights", "run.dir"])
    assert support.content(run) == before


def test_a_torn_manifest_line_is_mended_by_record(sound: Path, run: Path) -> None:
    want = support.content(run)
    text = (run / "manifest.jsonl").read_text()
    (run / "manifest.jsonl").write_text(text[:-25])
    support.moerae("record", support.recording(sound / "model", sound / "corpus.h5", run), ranks=2)
    assert support.content(run) == want
    assert {line["path"] for line in support.manifest(run)} >= {f"record/{name}" for name in want}
    support.moerae("verify", {"run.dir": run})


def test_a_lost_shard_is_recorded_again(sound: Path, run: Path) -> None:
    """Repeating the command completes a run, whatever is missing from it."""
    want = support.content(run)
    (run / SHARD).unlink()
    support.moerae("record", support.recording(sound / "model", sound / "corpus.h5", run))
    assert support.content(run) == want
    support.moerae("verify", {"run.dir": run})
