"""What must not matter does not: ranks, threads, memory, the order of prompts, the numbers of experts, who is first."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from made_groups import Usage, write_run
from moerae import open_run
from moerae.files.corpus import Prompt
from moerae.files.hashing import content_hash
from null_data import random_split
from support import moerae

KEYS = {"contrast.groups": "a:b,b:a,a:c", "contrast.permutations": 499, "reduce.controls": 3, "ses.benign": "c"}


@pytest.fixture(scope="module")
def data():
    """Sets a, b and c of different clusters, 48 each."""
    rng = np.random.default_rng(5)
    rows = random_split(rng, 144)
    sets = rng.permutation(np.repeat(list("abc"), 48))
    return rows, sets


def write(path, data, order=None, experts=None):
    """`order` of the prompts; `experts` [L, K]: new numbers of the experts."""
    rows, sets = data
    order = np.arange(len(sets)) if order is None else order
    count = rows.count[order].copy()
    if experts is not None:
        for layer, new in enumerate(experts):
            count[:, layer, new] = rows.count[order][:, layer]
    usage = Usage(np.zeros((len(order), 3, *count.shape[1:]), np.int64), np.zeros((len(order), 3), np.int64), 0)
    usage.count[:, 1], usage.tokens[:, 1], usage.top_k = count, rows.tokens[order], rows.top_k
    prompts = [
        Prompt(
            range(n := int(rows.tokens[i])), sets[i], int(rows.cluster[i]), (0, n), topic=f"t{rows.topic[i]}", split=0
        )
        for i in order
    ]
    return write_run(path, prompts, usage, shard_prompts=40)


def reduce(run, ranks=None, threads=1, **keys):
    study = KEYS | {"run.dir": run} | {key.replace("__", "."): value for key, value in keys.items()}
    moerae("reduce", study, ranks=ranks, env={"OMP_NUM_THREADS": str(threads)})
    return open_run(run)


@pytest.fixture(scope="module")
def plain(data, tmp_path_factory):
    return reduce(write(tmp_path_factory.mktemp("plain") / "run", data))


def test_ranks_threads_and_memory(plain, tmp_path):
    expected = content_hash(plain.reduce / "scores.h5")
    for number, how in enumerate(
        [{"ranks": 2}, {"ranks": 3, "threads": 2}, {"ranks": 4}, {"ranks": 8}, {"threads": 3}, {"reduce__memory": 1}]
    ):
        run = tmp_path / str(number)
        other = reduce(run, run__from=plain.path, **how)
        assert content_hash(other.reduce / "scores.h5") == expected, how
        for name in plain.expert_sets:
            mine, theirs = other.expert_set(name), plain.expert_set(name)
            assert mine.equals(theirs) and mine.attrs["controls"] == theirs.attrs["controls"], (how, name)


def contrasts(run) -> dict[str, np.ndarray]:
    return {str(name): values.values for name, values in run.scores.items() if str(name).startswith("contrast/")}


def test_order_of_prompts(plain, data, tmp_path):
    order = np.random.default_rng(1).permutation(len(data[1]))
    shuffled = contrasts(reduce(write(tmp_path / "run", data, order=order)))
    expected = contrasts(plain)
    assert shuffled.keys() == expected.keys() and len(expected) >= 3 * 8
    for name, values in expected.items():
        np.testing.assert_array_equal(shuffled[name], values, err_msg=name)


def test_numbers_of_experts(plain, data, tmp_path):
    rng = np.random.default_rng(2)
    experts = np.array([rng.permutation(data[0].count.shape[2]) for _ in range(data[0].count.shape[1])])
    moved = contrasts(reduce(write(tmp_path / "run", data, experts=experts)))
    for name, values in contrasts(plain).items():
        np.testing.assert_allclose(np.take_along_axis(moved[name], experts, 1), values, rtol=1e-12, err_msg=name)


def test_groups_change_places(plain):
    for name, values in contrasts(plain).items():
        if name.endswith("a-vs-b/score"):
            np.testing.assert_array_equal(contrasts(plain)[name.replace("a-vs-b", "b-vs-a")], -values, err_msg=name)


def test_no_number_is_missing(plain):
    with h5py.File(plain.reduce / "scores.h5") as file:
        names = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        for name in names:
            if file[name].dtype.kind == "f":
                assert np.isfinite(file[name][:]).all(), name
