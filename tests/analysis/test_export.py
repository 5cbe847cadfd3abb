"""`export`: merged files give in transformers what the adapter gives here, all else to the byte; the check before."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import support
from masking import CASES
from moerae.files.corpus import Prompt, write_corpus
from moerae.files.hashing import content_hash
from moerae.files.labels import write_labels
from moerae.reference import checkpoints, golden


def prompts(count: int) -> list[Prompt]:
    """In turn to learn, on discovery, and to be answered, on validation."""
    random = np.random.default_rng(2)
    made = []
    for i in range(count):
        tokens, reply = (random.integers(2, checkpoints.VOCABULARY, n).tolist() for n in (4 + i % 5, 2))
        made.append(Prompt(tokens, "learn", i, (0, len(tokens)), split=i % 2, continuations=[("target", reply)]))
    return made


def judged(run: Path, refused: int) -> None:
    """Labels for the replies without an intervention, as a judge would leave them."""
    (folder,) = run.glob("evaluate*/none")
    with h5py.File(next(folder.glob("shard-*.h5"))) as file:
        ids = file["prompt_id"][()]
    labels = pd.Series(["refusal"] * refused + ["compliance"] * (len(ids) - refused), ids)
    write_labels(run, folder, labels, {"judge": "exact", "judge_hash": "exact", "confusion": ""})


def tuned(case: str, folder: Path, method: str = "lora") -> dict[str, object]:
    """A tuned model, answered before and after; the keys of its export."""
    model = checkpoints.make(case, folder / "model")
    write_corpus(folder / "corpus.h5", prompts(16), {})
    layers = list(golden.routers(golden.load(model, "float32")))
    chosen = support.expert_set(folder / "set.json", [(layers[-1], 1), (layers[0], 2), (layers[0], 0)])
    study = {"model.path": model, "model.dtype": "float32", "corpus.path": folder / "corpus.h5"}
    tune = {"set": chosen, "method": method, "rank": 2, "steps": 3, "learning_rate": 0.05, "batch_tokens": 80}
    keys = study | {f"tune.{key}": value for key, value in tune.items()}
    support.moerae("tune", keys | {"run.dir": folder / "run"}, ranks=2)
    answer = study | {"evaluate.max_new_tokens": 2}
    adapter = folder / "run/tune/adapter.h5"
    support.moerae("evaluate", answer | {"run.dir": folder / "run"}, ranks=2)
    support.moerae("evaluate", answer | {"run.dir": folder / "after", "model.adapter": adapter}, ranks=2)
    judged(folder / "run", 4)
    judged(folder / "after", 6)
    return keys | {"run.dir": folder / "run", "export.after": folder / "after"}


def logits(model: Path, rows: list[np.ndarray]) -> np.ndarray:
    found = golden.record(model, rows, final=True).lm_logits
    assert found is not None
    return found


def routing(keys: dict[str, object], run: Path, **more: object) -> np.ndarray:
    study = support.recording(Path(str(keys["model.path"])), Path(str(keys["corpus.path"])), run)
    support.moerae("record", study | {f"model.{key}": value for key, value in more.items()}, ranks=2)
    return np.concatenate([h5py.File(path)["routing/logits"][()] for path in support.shards(run)])


@pytest.mark.parametrize(
    ("family", "method"), [*((family, "lora") for family in CASES), ("gpt_oss", "full"), ("qwen3_moe", "full")]
)
def test_transformers_computes_what_was_tuned(family: str, method: str, tmp_path: Path) -> None:
    keys = tuned(CASES[family], tmp_path, method)
    said = support.moerae("export", keys)
    assert "every other byte as it was; refusal 4 of 8 before, 6 after" in said.err
    merged, base = tmp_path / "run/tune/merged", Path(str(keys["model.path"]))
    assert {path.name for path in base.iterdir()} | {"moerae_proof.json"} == {path.name for path in merged.iterdir()}
    rows = [np.asarray(prompt.tokens) for prompt in prompts(6)]
    plain, tuned_ = logits(base, rows), logits(merged, rows)
    assert np.abs(tuned_ - plain).max() > 1e-3 * np.abs(plain).max()
    # the routing that the adapter gives here is that of the merged model
    with_adapter = routing(keys, tmp_path / "a", adapter=tmp_path / "run/tune/adapter.h5")
    of_merged = routing(keys, tmp_path / "b", path=merged)
    # what is stored in bfloat16 is rounded to it
    rounding = 2e-2 if "bf16" in CASES[family] else 1e-4
    assert np.abs(with_adapter - of_merged).max() < rounding * np.abs(of_merged).max()
    proof = json.loads((merged / "moerae_proof.json").read_text())
    assert proof["adapter"] == content_hash(tmp_path / "run/tune/adapter.h5")
    with h5py.File(tmp_path / "run/tune/adapter.h5") as file:
        chosen = set(zip(file["layer"][()].tolist(), file["expert"][()].tolist(), strict=True))
    assert {(part["layer"], part["expert"]) for part in proof["changed"]} == chosen
    assert all(part["before"] != part["after"] for part in proof["changed"])
    support.moerae("verify", {"run.dir": tmp_path / "run"})


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    return tuned(CASES["qwen3_moe"], tmp_path_factory.mktemp("ready"))


def test_the_checkpoint_of_the_user_stays_as_it_was(ready: dict[str, object]) -> None:
    model = Path(str(ready["model.path"]))
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in model.iterdir()}
    for _ in range(2):
        support.moerae("export", ready)
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in model.iterdir()} == before
    merged = Path(str(ready["run.dir"])) / "tune/merged"
    changed = [path for path in merged.glob("*.safetensors") if path.read_bytes() != (model / path.name).read_bytes()]
    assert changed and not any(os.path.samefile(path, model / path.name) for path in changed)


def test_a_model_that_refuses_less_is_not_exported(ready: dict[str, object]) -> None:
    shutil.rmtree(Path(str(ready["run.dir"])) / "tune/merged", ignore_errors=True)
    judged(Path(str(ready["export.after"])), 3)
    ended = support.moerae("export", ready, code=support.CONFIG)
    support.assert_one_error(ended, ["cost refusal", "4 of 8", "3 after"])
    assert not (Path(str(ready["run.dir"])) / "tune/merged").exists()
    judged(Path(str(ready["export.after"])), 6)


def test_what_is_missing_is_named(ready: dict[str, object], tmp_path: Path) -> None:
    without = {key: value for key, value in ready.items() if key != "export.after"}
    support.assert_one_error(support.moerae("export", without, code=support.CONFIG), ["export.after"])
    # replies of the model as it is are no replies of the tuned one
    swapped = ready | {"export.after": ready["run.dir"]}
    support.assert_one_error(support.moerae("export", swapped, code=support.CONFIG), ["moerae evaluate", "judge"])
    untuned = ready | {"tune.steps": 7}
    support.assert_one_error(support.moerae("export", untuned, code=support.CONFIG), ["moerae tune"])


def test_replies_to_other_prompts_or_of_another_model_prove_nothing(ready: dict[str, object], tmp_path: Path) -> None:
    answer = {key: ready[key] for key in ("model.path", "model.dtype", "corpus.path")} | {"evaluate.max_new_tokens": 2}
    discovery = answer | {"run.dir": tmp_path / "discovery", "evaluate.split": "discovery"}
    support.moerae("evaluate", discovery)
    judged(tmp_path / "discovery", 0)
    other = checkpoints.make(CASES["olmoe"], tmp_path / "other")
    support.moerae("evaluate", answer | {"run.dir": tmp_path / "model", "model.path": other})
    judged(tmp_path / "model", 0)
    for name in ("discovery", "model"):
        ended = support.moerae("export", ready | {"export.before": tmp_path / name}, code=support.CONFIG)
        support.assert_one_error(ended, ["no judged replies of this model", "validation"])


def test_packed_experts_are_not_merged(tmp_path: Path) -> None:
    keys = tuned("gpt_oss-mxfp4-sharded", tmp_path)
    ended = support.moerae("export", keys, code=support.CONFIG)
    support.assert_one_error(ended, ["packed", "model.adapter"])
