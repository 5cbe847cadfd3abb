"""`export`: in every format it gives in transformers what the adapter gives, all else to the byte; the check before."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import support
import torch
import xxhash
from masking import CASES
from moerae.files.corpus import Prompt, write_corpus
from moerae.files.hashing import content_hash
from moerae.files.labels import write_labels
from moerae.files.stage import read_stage, write_stage
from moerae.reference import checkpoints, golden
from safetensors import safe_open
from safetensors.torch import load_file
from torch.func import functional_call
from training import Training, initial

BEFORE, AFTER = {0, 1, 2, 3}, {0, 1, 2, 3, 4, 5}  # who refuses
SAID = "refusal: learn 3 of 6 before, 5 after; plain 1 of 2 before, 1 after"


def prompts(count: int) -> list[Prompt]:
    """In turn to learn, on discovery, and to be answered, on validation: there every fourth is of another set."""
    random = np.random.default_rng(2)
    made = []
    for i in range(count):
        tokens, reply = (random.integers(2, checkpoints.VOCABULARY, n).tolist() for n in (4 + i % 5, 2))
        made.append(
            Prompt(
                tokens,
                "plain" if i % 8 == 7 else "learn",
                i,
                (0, len(tokens)),
                split=i % 2,
                continuations=[("target", reply)],
            )
        )
    return made


def label(run: Path, condition: Path, ids: np.ndarray, refused: set[int]) -> None:
    """As a judge would; `refused`: places among the prompts that are answered, of which 3 and 7 are of `plain`."""
    labels = pd.Series(["refusal" if i in refused else "compliance" for i in range(len(ids))], sorted(ids))
    write_labels(run, condition, labels, {"judge": "exact", "judge_hash": "exact", "confusion": ""})


def judged(run: Path, refused: set[int]) -> None:
    """The replies without an intervention of all evaluations of a run."""
    for folder in run.glob("evaluate*"):
        with h5py.File(next((folder / "none").glob("shard-*.h5"))) as file:
            label(run, folder / "none", file["prompt_id"][()], refused)


def tuned(case: str, folder: Path, method: str = "lora") -> dict[str, object]:
    """A tuned model; the keys of its export, which has yet to be told how it answers."""
    model = checkpoints.make(case, folder / "model")
    write_corpus(folder / "corpus.h5", prompts(16), {})
    layers = list(golden.routers(golden.load(model, "float32")))
    chosen = support.expert_set(folder / "set.json", [(layers[-1], 1), (layers[0], 2), (layers[0], 0)])
    study = {"model.path": model, "model.dtype": "float32", "corpus.path": folder / "corpus.h5"}
    tune = {"set": chosen, "method": method, "rank": 2, "steps": 3, "learning_rate": 0.05, "batch_tokens": 80}
    keys = study | {f"tune.{key}": value for key, value in tune.items()} | {"run.dir": folder / "run"}
    support.moerae("tune", keys, ranks=2)
    return keys | {"export.after": folder / "after"}


def answered(keys: dict[str, object]) -> dict[str, object]:
    """The model as it is and the tuned one answer and are judged."""
    answer = {key: keys[key] for key in ("model.path", "model.dtype", "corpus.path")} | {"evaluate.max_new_tokens": 2}
    run, after = Path(str(keys["run.dir"])), Path(str(keys["export.after"]))
    support.moerae("evaluate", answer | {"run.dir": run}, ranks=2)
    support.moerae("evaluate", answer | {"run.dir": after, "model.adapter": run / "tune/adapter.h5"}, ranks=2)
    judged(run, BEFORE)
    judged(after, AFTER)
    return keys


def taken_as_answered(keys: dict[str, object]) -> dict[str, object]:
    """What that leaves, as far as `export` looks, in less time."""
    run, after = Path(str(keys["run.dir"])), Path(str(keys["export.after"]))
    inputs = read_stage(run / "tune/stage.json")["inputs"]
    inputs = {key: inputs[key] for key in ("model", "corpus")} | {"evaluate.split": "validation"}
    adapter = {"adapter": {"content": content_hash(run / "tune/adapter.h5"), "scale": 1.0}}
    with h5py.File(Path(str(keys["corpus.path"]))) as file:
        ids = file["prompt_id"][()][file["split"][()] == 1]
    for folder, more, refused in ((run, {}, BEFORE), (after, adapter, AFTER)):
        (folder / "evaluate/none").mkdir(parents=True)
        write_stage(folder / "evaluate/stage.json", "evaluate", inputs | more)
        label(folder, folder / "evaluate/none", ids, refused)
    return keys


ROWS = [prompt.tokens for prompt in prompts(6)]


@torch.inference_mode()
def logits(model: torch.nn.Module, weights: dict[str, torch.Tensor] | None = None) -> np.ndarray:
    """Of the next token, all rows one below the other; `weights` in the place of those of the model."""
    out = [functional_call(model, weights or {}, (torch.tensor([row]),), {"use_cache": False}) for row in ROWS]
    return torch.cat([of.logits[0] for of in out]).float().numpy()


def algebra(base: Path, adapter: Path) -> Training:
    """The model of transformers with b a beside its experts, by the equations."""
    with h5py.File(adapter) as file:
        return Training(base, initial(adapter), float(file.attrs["scale"]))


def routing(keys: dict[str, object], run: Path, **more: object) -> np.ndarray:
    study = support.recording(Path(str(keys["model.path"])), Path(str(keys["corpus.path"])), run)
    support.moerae("record", study | {f"model.{key}": value for key, value in more.items()}, ranks=2)
    return np.concatenate([h5py.File(path)["routing/logits"][()] for path in support.shards(run)])


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    return {name: value for path in folder.glob("*.safetensors") for name, value in load_file(path).items()}


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().view(torch.uint8).numpy().tobytes() if tensor.dim() else b""


def patched(folder: Path, delta: Path) -> dict[str, torch.Tensor]:
    """A checkpoint with a delta applied as its description says."""
    out, values = tensors(folder), load_file(delta / "expert_delta.safetensors")
    described = json.loads((delta / "expert_delta.json").read_text())["tensors"]
    assert described.keys() == values.keys()
    for key, place in described.items():
        index = tuple(slice(*at) if isinstance(at, list) else at for at in place["index"])
        assert xxhash.xxh3_128(bits(out[place["tensor"]][index])).hexdigest() == place["before"]
        out[place["tensor"]][index] = values[key]
        assert xxhash.xxh3_128(bits(values[key])).hexdigest() == place["after"]
    return out


@dataclass
class Trained:
    """A tuned model that is yet to be exported."""

    keys: dict[str, object]
    wanted: Training

    @property
    def base(self) -> Path:
        return Path(str(self.keys["model.path"]))

    @property
    def tune(self) -> Path:
        return Path(str(self.keys["run.dir"])) / "tune"

    @cached_property
    def chosen(self) -> set[tuple[int, int]]:
        with h5py.File(self.tune / "adapter.h5") as file:
            return set(zip(file["layer"][()].tolist(), file["expert"][()].tolist(), strict=True))

    @cached_property
    def exported(self) -> Path:
        """Where all formats lie that it can have."""
        merged = [] if "mxfp4" in self.base.parent.name else ["merged", "delta"]
        lora = self.keys["tune.method"] == "lora"
        formats = [*merged, "peft"] if lora else merged
        said = support.moerae("export", self.keys | {"export.format": ", ".join(formats)}).err
        assert said.count(SAID) == len(formats) and said.count("every other byte as it was") == len(merged[:1])
        return self.tune


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Trained]:
    """Of a case and a method, trained once."""

    @cache
    def make(case: str, method: str = "lora") -> Trained:
        keys = taken_as_answered(tuned(case, tmp_path_factory.mktemp(case), method))
        base, adapter = Path(str(keys["model.path"])), Path(str(keys["run.dir"])) / "tune/adapter.h5"
        return Trained(keys, algebra(base, adapter))

    return make


LAYOUTS = [CASES["qwen3_moe"], CASES["granitemoe"], CASES["gpt_oss"]]  # a tensor an expert, all in one, transposed
WHOLE = [("full", LAYOUTS[0]), ("full", LAYOUTS[2])]


@pytest.mark.parametrize(("method", "case"), [*(("lora", case) for case in CASES.values()), *WHOLE])
def test_the_merged_model_of_transformers_is_the_tuned_one(trained, method: str, case: str) -> None:
    of = trained(case, method)
    merged = of.exported / "merged"
    assert {path.name for path in of.base.iterdir()} | {"moerae_proof.json"} == {path.name for path in merged.iterdir()}
    # that with the adapter beside its experts, to the last logit
    stored = getattr(torch, checkpoints.CASES[case].dtype)  # to which weights are rounded, once
    weights = {name: value.to(stored).float() for name, value in of.wanted.weights().items()}
    plain, want = logits(of.wanted.model), logits(of.wanted.model, weights)
    found = logits(golden.load(merged, "float32"))
    assert np.abs(want - plain).max() > 1e-2 * np.abs(plain).max()
    assert np.abs(found - want).max() < 1e-4 * np.abs(want).max()

    proof = json.loads((merged / "moerae_proof.json").read_text())
    assert proof["adapter"] == content_hash(of.tune / "adapter.h5")
    assert {(part["layer"], part["expert"]) for part in proof["changed"]} == of.chosen
    assert all(part["before"] != part["after"] for part in proof["changed"])
    was, now = tensors(of.base), tensors(merged)
    assert proof["tensors"].keys() == {path.name for path in merged.glob("*.safetensors")}
    proven = {name: one for of_file in proof["tensors"].values() for name, one in of_file.items()}
    assert proven.keys() == now.keys()
    for name, one in proven.items():
        hashes = [xxhash.xxh3_128(bits(at[name])).hexdigest() for at in (was, now)]
        assert [one.get("before", one["hash"]), one["hash"]] == hashes, name


def test_it_routes_as_the_adapter_does_here(trained, tmp_path: Path) -> None:
    of = trained(LAYOUTS[0])
    merged = of.exported / "merged"
    with_adapter = routing(of.keys, tmp_path / "a", adapter=of.tune / "adapter.h5")
    of_merged = routing(of.keys, tmp_path / "b", path=merged)
    assert np.abs(with_adapter - of_merged).max() < 1e-4 * np.abs(of_merged).max()


@pytest.mark.parametrize("case", LAYOUTS)
def test_a_delta_makes_the_merged_files(trained, case: str) -> None:
    of = trained(case)
    now, delta = tensors(of.exported / "merged"), of.exported / "delta"
    assert {name: bits(value) for name, value in patched(of.base, delta).items()} == {
        name: bits(value) for name, value in now.items()
    }
    described = json.loads((delta / "expert_delta.json").read_text())
    assert {(int(at), e) for at, ids in described["experts"].items() for e in ids} == of.chosen
    assert not described["shared_experts"] and not described["non_expert_modules"]  # as ESFT spells it
    support.moerae("verify", {"run.dir": of.keys["run.dir"]})


def peft_products(folder: Path, model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """What PEFT adds to each parameter that a LoRA names, by its equations (0.21.2, ParamWrapper.get_delta_weight)."""
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config["peft_type"] == "LORA" and config["lora_dropout"] == 0 and not config["use_rslora"]
    scale, out = config["lora_alpha"] / config["r"], {}
    with safe_open(folder / "adapter_model.safetensors", "pt") as file:
        left = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118

    def pair(module: str) -> tuple[torch.Tensor, torch.Tensor]:
        a, b = (left.pop(f"base_model.model.{module}.lora_{x}.weight") for x in "AB")
        return a, b

    for module in config["target_modules"]:
        a, b = pair(module)
        out[f"{module}.weight"] = scale * b @ a
    for name in config["target_parameters"] or []:
        experts = len(model.get_parameter(name))
        a, b = pair(name.replace(".gate_up_proj", ".base_layer").removesuffix(".down_proj"))
        a, b = a.unflatten(0, (experts, -1)), b.unflatten(1, (-1, experts))
        added = scale * torch.einsum("ore,eri->eoi", b, a)
        transposed = getattr(model.get_submodule(name.rpartition(".")[0]), "is_transposed", False)
        out[name] = added.transpose(1, 2) if transposed else added
    assert not left, "tensors that no target asks for"
    return out


MXFP4 = "gpt_oss-mxfp4-sharded"


@pytest.mark.parametrize("case", [*CASES.values(), MXFP4])
def test_peft_adds_what_was_tuned(trained, case: str) -> None:
    of = trained(case)
    folder = of.exported / "peft"
    assert json.loads((folder / "moerae_proof.json").read_text())["adapter"] == content_hash(of.tune / "adapter.h5")
    weights = of.wanted.weights()
    found = peft_products(folder, of.wanted.model)
    # layers without a trained expert are not adapted, and in the others every expert that was not trained is as it was
    assert found.keys() == weights.keys()
    for name, value in weights.items():
        apart = (of.wanted.base[name] + found[name] - value).abs().max()
        assert apart <= 1e-6 * value.abs().max(), name

    peft = pytest.importorskip("peft", reason="peft is not installed, so it does not say itself that it loads this")
    plain, want = logits(of.wanted.model), logits(of.wanted.model, weights)
    model = peft.PeftModel.from_pretrained(golden.load(of.base, "float32"), folder)
    assert np.abs(want - plain).max() > 1e-2 * np.abs(want).max()
    assert np.abs(logits(model) - want).max() < 1e-4 * np.abs(want).max()


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    return answered(tuned(CASES["qwen3_moe"], tmp_path_factory.mktemp("ready")))


def test_the_checkpoint_of_the_user_stays_as_it_was(ready: dict[str, object]) -> None:
    model = Path(str(ready["model.path"]))
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in model.iterdir()}
    for _ in range(2):
        support.moerae("export", ready)
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in model.iterdir()} == before
    merged = Path(str(ready["run.dir"])) / "tune/merged"
    changed = [path for path in merged.glob("*.safetensors") if path.read_bytes() != (model / path.name).read_bytes()]
    assert changed and not any(os.path.samefile(path, model / path.name) for path in changed)


def test_what_a_killed_export_leaves_is_completed(ready: dict[str, object]) -> None:
    tune = Path(str(ready["run.dir"])) / "tune"
    support.moerae("export", ready)
    whole = {path.name: path.read_bytes() for path in (tune / "merged").iterdir()}
    (tune / "merged").rename(tune / ".merged.old")  # killed between two renames
    (tune / ".merged.tmp").mkdir()
    (tune / ".merged.tmp/model.safetensors").write_text("torn")
    support.moerae("export", ready)
    assert {path.name: path.read_bytes() for path in (tune / "merged").iterdir()} == whole
    assert not list(tune.glob(".*"))


def test_a_model_that_refuses_less_is_not_exported(ready: dict[str, object]) -> None:
    shutil.rmtree(Path(str(ready["run.dir"])) / "tune/merged", ignore_errors=True)
    judged(Path(str(ready["export.after"])), BEFORE - {0})
    ended = support.moerae("export", ready, code=support.CONFIG)
    support.assert_one_error(ended, ["cost refusal of 'learn'", "learn 3 of 6 before, 2 after"])
    assert not (Path(str(ready["run.dir"])) / "tune/merged").exists()
    judged(Path(str(ready["export.after"])), AFTER)


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
    judged(tmp_path / "discovery", set())
    other = checkpoints.make(CASES["olmoe"], tmp_path / "other")
    support.moerae("evaluate", answer | {"run.dir": tmp_path / "model", "model.path": other})
    judged(tmp_path / "model", set())
    for name in ("discovery", "model"):
        ended = support.moerae("export", ready | {"export.before": tmp_path / name}, code=support.CONFIG)
        support.assert_one_error(ended, ["no judged replies of this model", "validation"])


def test_evaluations_that_differ_in_more_than_the_adapter_are_not_compared(ready: dict, tmp_path: Path) -> None:
    answer = {key: ready[key] for key in ("model.path", "model.dtype", "corpus.path")}
    longer = answer | {"run.dir": tmp_path / "longer", "evaluate.max_new_tokens": 3}
    support.moerae("evaluate", longer)
    judged(tmp_path / "longer", BEFORE)
    ended = support.moerae("export", ready | {"export.before": tmp_path / "longer"}, code=support.CONFIG)
    support.assert_one_error(ended, ["evaluate.max_new_tokens (3 and 2)", "repeat one"])
    # beside the one that fits it is passed over
    fitting = answer | {"run.dir": tmp_path / "longer", "evaluate.max_new_tokens": 2, "grid.expert": 2}
    support.moerae("evaluate", fitting, ranks=2)
    judged(tmp_path / "longer", BEFORE)
    support.moerae("export", ready | {"export.before": tmp_path / "longer"})
    # and of two that fit, by their grid alone different, one must be named
    support.moerae("evaluate", fitting | {"grid.expert": 1})
    judged(tmp_path / "longer", BEFORE)
    ended = support.moerae("export", ready | {"export.before": tmp_path / "longer"}, code=support.CONFIG)
    support.assert_one_error(ended, ["2 pairs of evaluations", "evaluate-"])
    named = next(path.parent for path in (tmp_path / "longer").glob("evaluate-*/stage.json"))
    support.moerae("export", ready | {"export.before": named})


def test_refusal_counts_set_by_set(ready: dict[str, object]) -> None:
    ended = support.moerae("export", ready | {"export.forbidden": "other"}, code=support.CONFIG)
    support.assert_one_error(ended, ["export.forbidden", "'other'"])
    # what is won in one set does not make up for what is lost in another
    judged(Path(str(ready["export.after"])), {0, 1, 2, 4, 5, 6})
    ended = support.moerae("export", ready, code=support.CONFIG)
    support.assert_one_error(ended, ["cost refusal of 'plain'", "plain 1 of 2 before, 0 after"])
    support.moerae("export", ready | {"export.forbidden": "learn"})
    proof = json.loads((Path(str(ready["run.dir"])) / "tune/merged/moerae_proof.json").read_text())
    assert proof["refusal"] == [
        {"set": "learn", "forbidden": True, "prompts": 6, "before": 3, "after": 6},
        {"set": "plain", "forbidden": False, "prompts": 2, "before": 1, "after": 0},
    ]
    judged(Path(str(ready["export.after"])), AFTER)


def test_sets_that_were_not_answered_are_not_passed_over(ready: dict[str, object], tmp_path: Path) -> None:
    answer = {key: ready[key] for key in ("model.path", "model.dtype", "corpus.path")} | {"evaluate.sets": "plain"}
    adapter = Path(str(ready["run.dir"])) / "tune/adapter.h5"
    support.moerae("evaluate", answer | {"run.dir": tmp_path / "before"})
    support.moerae("evaluate", answer | {"run.dir": tmp_path / "after", "model.adapter": adapter})
    for name in ("before", "after"):
        judged(tmp_path / name, {0})
    runs = ready | {f"export.{name}": tmp_path / name for name in ("before", "after")}
    support.assert_one_error(support.moerae("export", runs, code=support.DATA), ["of 'learn' in both", "evaluate"])
    support.moerae("export", runs | {"export.forbidden": "plain"})


def test_other_scales_are_for_measurements(ready: dict[str, object]) -> None:
    ended = support.moerae("export", ready | {"model.adapter_scale": -1}, code=support.CONFIG)
    support.assert_one_error(ended, ["model.adapter_scale = -1", "scale 1"])


@pytest.mark.parametrize(("format_", "words"), [("merged", ["packed", "export.format = peft"]), ("delta", ["packed"])])
def test_packed_experts_are_not_merged(trained, format_: str, words: list[str]) -> None:
    ended = support.moerae("export", trained(MXFP4).keys | {"export.format": format_}, code=support.CONFIG)
    support.assert_one_error(ended, [*words, "model.adapter"])


@pytest.mark.parametrize(
    ("method", "case", "words"),
    [
        ("full", LAYOUTS[0], ["tune.method = full", "merged or delta"]),
        ("lora", "deepseek_v3-fp8-yarn-published", ["fp8", "model.adapter"]),
    ],
)
def test_what_peft_has_no_form_for_is_refused(trained, method: str, case: str, words: list[str]) -> None:
    of = trained(case, method)
    ended = support.moerae("export", of.keys | {"export.format": "peft"}, code=support.CONFIG)
    support.assert_one_error(ended, words)
    assert not (of.tune / "peft").exists()
