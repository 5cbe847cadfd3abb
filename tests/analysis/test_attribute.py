"""`attribute`: margins and single masks are those of transformers in every family; the same bytes on any data width,
interrupted or not; what `reduce` makes of them."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import h5py
import numpy as np
import pytest
import support
import torch
from masking import CASES, mask
from moerae.errors import DataError
from moerae.files.corpus import Prompt, write_corpus
from moerae.files.hashing import content_hash
from moerae.reader import open_run
from moerae.reference import checkpoints, golden
from safetensors import safe_open
from safetensors.torch import save_file

PROMPTS = 48


def prompts(count: int, seed: int = 5) -> list[Prompt]:
    """Of sets a and b in turn, two a cluster; every opening of its own length, not the same for all."""
    random = np.random.default_rng(seed)
    made = []
    for i in range(count):
        drawn = [random.integers(2, checkpoints.VOCABULARY, n).tolist() for n in (3 + i % 7, 1 + i % 4, 3 - i % 2)]
        tokens, refuse, comply = drawn
        openings = [("refuse", refuse), ("comply", comply)]
        made.append(Prompt(tokens, "ab"[i % 2], i // 2, (0, len(tokens)), split=0, continuations=openings))
    return made


def attributing(model: Path, corpus: Path, run: Path, expert: int = 1, **more: object) -> dict:
    keys = {
        "criteria": "mask_attribution,single_mask,random_mask",
        "passes": 5,
        "batch_tokens": 100,
        "shard_prompts": 5,
        "super_experts": "true",
    }
    study = {"model.path": model, "model.dtype": "float32", "corpus.path": corpus, "run.dir": run}
    return study | {"grid.expert": expert} | {f"attribute.{key}": value for key, value in (keys | more).items()}


@torch.inference_mode()
def margin(model: torch.nn.Module, prompt: Prompt) -> float:
    mean = {}
    for kind, opening in prompt.continuations:
        logits = model(torch.tensor([prompt.tokens + opening]), use_cache=False).logits[0, len(prompt.tokens) - 1 : -1]
        mean[kind] = float(torch.log_softmax(logits.float(), -1)[range(len(opening)), opening].mean())
    return mean["refuse"] - mean["comply"]


@pytest.mark.parametrize("family", CASES)
def test_margins_and_masks_are_those_of_transformers(family: str, tmp_path: Path) -> None:
    model = checkpoints.make(CASES[family], tmp_path / "model")
    made = prompts(6)
    write_corpus(tmp_path / "corpus.h5", made, {})
    support.moerae("attribute", attributing(model, tmp_path / "corpus.h5", tmp_path / "run", 2), ranks=2)
    found = open_run(tmp_path / "run").attributions
    reference = golden.load(model, "float32")
    plain = np.array([margin(reference, prompt) for prompt in made])
    assert np.abs(found["margin"].values - plain).max() < 2e-4
    layers = found["layer"].values.tolist()
    assert layers == list(golden.routers(reference))
    measured = found["single_mask"]
    for layer, expert in ((layers[0], 1), (layers[-1], 2)):
        masked = golden.load(model, "float32")
        mask(masked, [(layer, expert)])
        drop = plain - np.array([margin(masked, prompt) for prompt in made])
        assert np.abs(measured.sel(layer=layer, expert=expert).values - drop).max() < 2e-4


def shrunk(model: Path) -> None:
    """Down projections of the routed experts to a thousandth: what a mask changes is small, and its effect linear."""
    (path,) = model.glob("*.safetensors")
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    down = [
        name
        for name in tensors
        if re.search(r"experts\.\d+\.(down_proj|w2)\.|\.experts\.down_proj|output_linear", name)
        and "shared" not in name
    ]
    assert down
    save_file({name: part / 1024 if name in down else part for name, part in tensors.items()}, path)


@pytest.mark.parametrize("family", CASES)
def test_attributions_are_the_measured_drops_where_these_are_small(family: str, tmp_path: Path) -> None:
    model = checkpoints.make(CASES[family], tmp_path / "model")
    shrunk(model)
    write_corpus(tmp_path / "corpus.h5", prompts(6), {})
    support.moerae("attribute", attributing(model, tmp_path / "corpus.h5", tmp_path / "run", 2), ranks=2)
    found = open_run(tmp_path / "run").attributions
    linear, measured = found["mask_attribution"].values, found["single_mask"].values
    largest, error = np.abs(measured).max(), np.abs(linear - measured).max()
    print(f"{family}: drops up to {largest:.1e} nats, {error / largest:.4f} of that off")
    assert largest > 1e-4 and error < 0.05 * largest


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.make("qwen3-grouped", tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "corpus.h5"
    without = Prompt([5, 6, 7], "b", 900, (0, 3), split=0, continuations=[("refuse", [3])])
    other = Prompt([5, 6, 7], "b", 901, (0, 3), split=1, continuations=[("refuse", [3]), ("comply", [4])])
    write_corpus(path, [*prompts(PROMPTS), without, other], {})
    return path


def content(run: Path) -> dict[str, str]:
    return {path.name: content_hash(path) for path in sorted(run.glob("attribute/shard-*.h5"))}


@pytest.fixture(scope="module")
def uninterrupted(model, corpus, tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, str]]:
    out = {}
    for expert in (1, 2):
        run = tmp_path_factory.mktemp(f"expert-{expert}")
        said = support.moerae("attribute", attributing(model, corpus, run, expert), ranks=expert)
        assert "1 prompts have no refusing or no complying opening" in said.err
        support.moerae("verify", {"run.dir": run})
        out[expert] = content(run)
        assert open_run(run).attributions.sizes["prompt"] == PROMPTS  # discovery, with both openings
    return out


@pytest.mark.parametrize(("data", "expert"), [(2, 1), (4, 1), (2, 2)])
def test_any_data_width(model, corpus, uninterrupted, tmp_path: Path, data: int, expert: int) -> None:
    support.moerae("attribute", attributing(model, corpus, tmp_path / "run", expert), ranks=data * expert)
    assert content(tmp_path / "run") == uninterrupted[expert]


@pytest.mark.parametrize("sign", [signal.SIGUSR1, signal.SIGKILL])
def test_interrupted_and_repeated(model, corpus, uninterrupted, tmp_path: Path, sign: int) -> None:
    study = attributing(model, corpus, tmp_path / "run", 2)
    support.interrupt_and_repeat("attribute", study, 2, sign, "shard-*.h5", uninterrupted[2])


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"attribute.split": "test"}, ["split test", "refusing and a complying opening"]),
        ({"attribute.sets": "zebra"}, ["attribute.sets", "zebra", "a, b"]),
        ({"attribute.criteria": "guess"}, ["attribute.criteria", "mask_attribution"]),
        ({"attribute.batch_tokens": 0}, ["attribute.batch_tokens"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_can_not_be_done_is_refused(model, corpus, tmp_path: Path, keys: dict, words: list[str]) -> None:
    study = attributing(model, corpus, tmp_path / "run") | keys
    support.assert_one_error(support.moerae("attribute", study, code=support.CONFIG), words)
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def reduced(model, corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("reduced")
    study = attributing(model, corpus, run, criteria="mask_attribution")
    recorded = {key: value for key, value in study.items() if not key.startswith("attribute.")}
    support.moerae("record", recorded, ranks=2)
    refused = support.moerae("reduce", reducing(run, criteria="mask_attribution"), code=support.CONFIG)
    support.assert_one_error(refused, ["mask_attribution of a:b", "moerae attribute"])
    support.moerae("attribute", study, ranks=2)
    return run


def reducing(run: Path, **more: object) -> dict:
    keys = {"groups": "a:b", "permutations": 200, "criteria": "mask_attribution, gate_mass"} | more
    return {"run.dir": run, "reduce.controls": 0} | {f"contrast.{key}": value for key, value in keys.items()}


def test_plan_says_how_many_passes(model, corpus, tmp_path: Path) -> None:
    said = support.moerae("plan", attributing(model, corpus, tmp_path / "run")).out
    assert f"{PROMPTS} prompts of the discovery split with both kinds of openings, 1 without" in said
    tokens = sum(2 * len(p.tokens) + sum(len(reply) - 1 for _, reply in p.continuations) for p in prompts(PROMPTS))
    assert f"{tokens} tokens a pass; mask_attribution: one pass up and down; single_mask: " in said
    assert "random_mask: 6 passes" in said


def test_the_score_is_the_difference_of_the_mean_drops(reduced: Path) -> None:
    support.moerae("reduce", reducing(reduced), ranks=1)
    hashes = content_hash(reduced / "reduce/scores.h5")
    read = open_run(reduced)
    drops = read.attributions["mask_attribution"]
    mean = {name: drops.where(drops["set"] == name, drop=True).mean("prompt") for name in "ab"}
    found = read.contrast("mask_attribution", "a:b")
    assert np.abs(found["score"].values - (mean["a"] - mean["b"]).values).max() < 1e-7
    assert found.attrs["test"] == "studentised drop of the refusal margin"
    assert found.attrs["units"] == PROMPTS // 2 and found["p_adjusted"].values.min() > 0
    best = read.expert_set("mask_attribution-a-vs-b")
    where = np.unravel_index(int(found["score"].values.argmax()), found["score"].shape)
    assert (best.iloc[0]["layer"], best.iloc[0]["expert"]) == (int(found["layer"][where[0]]), where[1])
    for ranks in (2, 3):
        (reduced / "reduce/scores.h5").unlink()
        support.moerae("reduce", reducing(reduced), ranks=ranks)
        assert content_hash(reduced / "reduce/scores.h5") == hashes


def test_a_criterion_that_was_not_attributed_is_named(reduced: Path) -> None:
    refused = support.moerae("reduce", reducing(reduced, criteria="single_mask"), code=support.CONFIG)
    support.assert_one_error(refused, ["single_mask of a:b", "attribute.criteria"])


def test_random_masks_leave_out_super_experts(model, corpus, tmp_path: Path) -> None:
    run = tmp_path / "run"
    study = attributing(model, corpus, run, criteria="random_mask", passes=40, super_experts="false")
    refused = support.moerae("attribute", study, code=support.CONFIG)
    support.assert_one_error(refused, ["random_mask", "run `moerae record` first", "attribute.super_experts = true"])
    support.moerae("record", {key: value for key, value in study.items() if not key.startswith("attribute.")})
    for path in run.glob("record/shard-*.h5"):
        with h5py.File(path, "r+") as file:
            file["usage/largest_output"][1, 2] = 1e6
    assert "leaves out 1 super expert(s)" in support.moerae("attribute", study, ranks=2).err
    drops = open_run(run).attributions["random_mask"].values
    assert not drops[:, 1, 2].any()
    assert drops[:, 1, 3].any() and drops[:, 1, 1].any()
    support.moerae("attribute", study | {"attribute.super_experts": "true"}, ranks=2)
    (other,) = run.glob("attribute-*")
    assert open_run(run, attribute=other.name).attributions["random_mask"].values[:, 1, 2].any()


def test_an_attribution_that_was_stopped_is_refused(model, corpus, tmp_path: Path) -> None:
    run = tmp_path / "run"
    study = attributing(model, corpus, run, criteria="mask_attribution")
    support.moerae("record", {key: value for key, value in study.items() if not key.startswith("attribute.")})
    support.moerae("attribute", study)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(run)
        Path("attribute/shard-000002.h5").unlink()
        kept = [
            line for line in Path("manifest.jsonl").read_text().splitlines() if "attribute/shard-000002" not in line
        ]
        Path("manifest.jsonl").write_text("\n".join(kept) + "\n")
    ended = support.moerae("reduce", reducing(run), code=support.CONFIG)
    support.assert_one_error(
        ended, ["mask_attribution of a:b", "1 of 10 files are missing", "repeat `moerae attribute`"]
    )
    with pytest.raises(DataError, match="1 of 10 files are missing"):
        open_run(run).attributions  # noqa: B018
    support.moerae("reduce", reducing(run, criteria="gate_mass"))
    support.moerae("attribute", study)
    support.moerae("reduce", reducing(run))


def test_damaged_files_are_refused(reduced: Path) -> None:
    path = reduced / "attribute/shard-000001.h5"
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    ended = support.moerae("reduce", reducing(reduced, permutations=300), code=support.DATA)
    support.assert_one_error(ended, ["shard-000001.h5", "moerae attribute"])
    path.write_bytes(whole)
