"""Broken and hostile checkpoints: one error that names the file and the field, exit code 3, nothing recorded."""

from __future__ import annotations

import json
from pathlib import Path

import crafted
import pytest
import support
from crafted import FILE, INDEX
from moerae.reference import checkpoints

EXPERT = "model.layers.1.mlp.experts.3.up_proj.weight"  # [24, 48]
QUERY = "model.layers.0.self_attn.q_proj.weight"  # [48, 48]
ROUTER = "model.layers.2.mlp.gate.weight"  # [8, 48]
NAN = b"\x00\x00\xc0\x7f"


def offsets(name: str, start: int, end: int):
    """Moves the extent of a tensor by (start, end) bytes."""

    def change(header):
        at = header[name]["data_offsets"]
        header[name]["data_offsets"] = [at[0] + start, at[1] + end]

    return crafted.edit_header(change)


def shape(name: str, extents: list[int]):
    return crafted.edit_header(lambda header: header[name].update(shape=extents))


def config(**values: object):
    return crafted.edit_json("config.json", lambda found: found.update(values))


# what was done to a one-file checkpoint -> (mutation, exit code, words the error must have)
ONE_FILE = {
    "missing tensor": (crafted.edit_tensors(lambda t: t.pop(EXPERT)), 3, [EXPERT]),
    "missing head": (crafted.edit_tensors(lambda t: t.pop("lm_head.weight")), 3, ["lm_head.weight"]),
    "surplus tensor": (
        crafted.edit_tensors(lambda t: t.update({"model.layers.0.mlp.odd.weight": ("F32", [1], bytes(4))})),
        3,
        ["model.layers.0.mlp.odd.weight"],
    ),
    "surplus layer": (config(num_hidden_layers=2), 3, ["model.layers.2."]),
    "layer too few": (config(num_hidden_layers=4), 3, ["model.layers.3."]),
    "wrong shape": (
        crafted.edit_tensors(lambda t: t.update({QUERY: ("F32", [47, 48], bytes(47 * 48 * 4))})),
        3,
        [QUERY, "47", "48"],
    ),
    "transposed shape": (
        crafted.edit_tensors(lambda t: t.update({EXPERT: ("F32", [48, 24], t[EXPERT][2])})),
        3,
        [EXPERT, "48", "24"],
    ),
    "wrong dtype": (
        crafted.edit_tensors(lambda t: t.update({QUERY: ("I64", [48, 48], bytes(48 * 48 * 8))})),
        3,
        [QUERY, "I64"],
    ),
    "router of NaN": (crafted.edit_tensors(lambda t: t.update({ROUTER: ("F32", [8, 48], NAN * 384)})), 3, ["2"]),
    "empty file": (crafted.edit_bytes(lambda raw: b""), 3, [FILE]),
    "shorter than its length field": (crafted.edit_bytes(lambda raw: raw[:5]), 3, [FILE]),
    "truncated in the header": (crafted.edit_bytes(lambda raw: raw[:300]), 3, [FILE]),
    "truncated in the data": (crafted.edit_bytes(lambda raw: raw[:-100]), 3, [FILE]),
    "longer than its tensors": (crafted.edit_bytes(lambda raw: raw + bytes(100)), 3, [FILE]),
    "header of 2^64-1": (crafted.length_field(2**64 - 1), 3, [FILE]),
    "header of 2^63": (crafted.length_field(2**63), 3, [FILE]),
    "header of 99 MB": (crafted.length_field(99_000_000), 3, [FILE]),
    "header is no JSON": (crafted.header_text("{'a': 1"), 3, [FILE]),
    "header is a list": (crafted.header_text("[1, 2]"), 3, [FILE]),
    "header is deep": (crafted.header_text("[" * 200_000), 3, [FILE]),
    "header is not UTF-8": (crafted.edit_bytes(lambda raw: raw[:10] + b"\xff\xfe" + raw[12:]), 3, [FILE]),
    "duplicate key": (crafted.duplicate_key, 3, [FILE]),
    "overlap": (offsets(QUERY, -4, -4), 3, [FILE]),
    "hole": (offsets(QUERY, 4, 0), 3, [FILE]),
    "beyond the file": (offsets(QUERY, 10**9, 10**9), 3, [FILE]),
    "end before start": (offsets(QUERY, 0, -(10**7)), 3, [FILE]),
    "shape larger than its bytes": (shape(QUERY, [48, 4800]), 3, [QUERY]),
    "shape overflows": (shape(QUERY, [2**33, 2**33]), 3, [QUERY]),
    "negative extent": (shape(QUERY, [-48, -48]), 3, [QUERY]),
    "no config": (lambda model: (model / "config.json").unlink(), 3, ["config.json"]),
    "broken config": (lambda model: (model / "config.json").write_text("{"), 3, ["config.json"]),
    "unknown family": (config(model_type="llama9"), 3, ["llama9", "qwen3_moe", "olmoe"]),
    "k beyond K": (config(num_experts_per_tok=9), 3, ["num_experts_per_tok", "9"]),
    "k of zero": (config(num_experts_per_tok=0), 3, ["num_experts_per_tok", "0"]),
    "heads do not group": (config(num_key_value_heads=3), 3, ["num_key_value_heads", "3"]),
    "size is a text": (config(hidden_size="48"), 3, ["hidden_size"]),
    "another activation": (config(hidden_act="gelu"), 3, ["hidden_act", "gelu"]),
    "unknown rope": (
        config(rope_parameters={"rope_type": "spiral", "rope_theta": 1e4, "factor": 4.0}),
        3,
        ["rope_type", "spiral", "yarn"],
    ),
}


def misplace(place: str):
    """Points the index entry of one tensor at another file."""
    return crafted.edit_json(INDEX, lambda index: index["weight_map"].update({QUERY: place}))


def lose_a_shard(model: Path) -> None:
    (model / json.loads((model / INDEX).read_text())["weight_map"][QUERY]).unlink()


SHARDED = {
    "index leaves the folder": (misplace("../x.safetensors"), 3, ["../x.safetensors"]),
    "index is absolute": (misplace("/etc/x.safetensors"), 3, ["/etc/x.safetensors"]),
    "index names no safetensors": (misplace("config.json"), 3, ["config.json"]),
    "index names a file that is not there": (misplace("x.safetensors"), 3, [QUERY, INDEX]),
    "a shard is lost": (lose_a_shard, 3, [".safetensors"]),
    "index lacks a tensor": (crafted.edit_json(INDEX, lambda index: index["weight_map"].pop(QUERY)), 3, [QUERY]),
    "index has a tensor of no file": (
        crafted.edit_json(INDEX, lambda index: index["weight_map"].update(odd=index["weight_map"][QUERY])),
        3,
        ["odd"],
    ),
    "index has no map": (crafted.edit_json(INDEX, lambda index: index.pop("weight_map")), 3, [INDEX, "weight_map"]),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sound")
    return {
        "one": checkpoints.make("qwen3-grouped", folder / "one"),
        "sharded": checkpoints.make("qwen3-full-tied-sharded", folder / "sharded"),
        "corpus": support.random_corpus(folder / "corpus.h5", [5, 9, 1, 30], checkpoints.VOCABULARY),
    }


def refused(
    model: Path, sound: dict[str, Path], tmp_path: Path, code: int, words: list[str], ranks: int | None
) -> None:
    run = tmp_path / "run"
    ended = support.moerae("record", support.recording(model, sound["corpus"], run), ranks=ranks, code=code)
    support.assert_one_error(ended, words)
    assert not support.shards(run)


@pytest.mark.parametrize("fault", ONE_FILE)
def test_one_file(fault: str, sound, tmp_path: Path) -> None:
    mutate, code, words = ONE_FILE[fault]
    model = crafted.copy_with(sound["one"], tmp_path / "model", mutate)
    refused(model, sound, tmp_path, code, words, None)


@pytest.mark.parametrize("fault", SHARDED)
def test_sharded(fault: str, sound, tmp_path: Path) -> None:
    mutate, code, words = SHARDED[fault]
    model = crafted.copy_with(sound["sharded"], tmp_path / "model", mutate)
    refused(model, sound, tmp_path, code, words, None)


@pytest.mark.parametrize("fault", ["missing tensor", "truncated in the data", "router of NaN"])
def test_two_ranks_say_it_once(fault: str, sound, tmp_path: Path) -> None:
    mutate, code, words = ONE_FILE[fault]
    model = crafted.copy_with(sound["one"], tmp_path / "model", mutate)
    refused(model, sound, tmp_path, code, words, 2)


def test_a_linked_shard_outside_the_folder_is_not_a_way_out(sound, tmp_path: Path) -> None:
    """Caches link their blobs, so a symbolic link is followed; what it names must still be a sound checkpoint."""
    model = crafted.copy_with(sound["one"], tmp_path / "model", lambda _: None)
    (model / FILE).rename(tmp_path / "blob")
    (model / FILE).symlink_to(tmp_path / "blob")
    support.moerae("record", support.recording(model, sound["corpus"], tmp_path / "run"))
    (tmp_path / "blob").write_bytes(b"root:x:0:0")
    refused(model, sound, tmp_path / "second", 3, [FILE], None)
