"""Statistics of the program against scipy and numpy on a small run with pairs, lone clusters, topics and lengths."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import statistics_reference as reference
from made_groups import from_routing, write_run
from moerae import open_run
from moerae.files.corpus import Prompt
from scipy.spatial.distance import jensenshannon
from scipy.stats import false_discovery_control, spearmanr, ttest_rel
from support import moerae

LAYERS, K, TOP, WORDS = 2, 10, 2, 6
CLUSTERS, PAIRED = 48, 40  # clusters from PAIRED on are in one group only
CRITERIA = ("risk_difference", "js", "studentised", "paired_t", "within_topic", "cmh_token", "template_gate")
PERMUTATIONS = 4999


def groups(cluster: int) -> str:
    if cluster < PAIRED:
        return "abc"
    return "a" if cluster % 2 else "bc"


def made(path):
    """Group a prefers expert (0, 3); long prompts prefer (1, 4); one expert is never used, one by everybody alike."""
    rng = np.random.default_rng(3)
    prompts, classes, expert = [], [], []
    for cluster in range(CLUSTERS):
        topic = f"topic {cluster % 3}"
        for name in groups(cluster):
            for _ in range(2 if cluster % 7 == 0 else 1):
                content = int(rng.integers(4, 24))
                kinds = np.repeat([0, 1, 2], [2, content, 3])
                level = rng.normal(0, 0.4, (LAYERS, K)) + 0.3 * np.outer([1, -1], np.arange(K)) * (cluster % 3 == 1)
                level[0, 3] += 1.2 * (name == "a")
                level[1, 4] += 0.1 * content
                level[1, 9] = -np.inf
                noise = rng.gumbel(size=(len(kinds), LAYERS, K)) + level
                expert.append(np.argsort(-noise, axis=-1)[..., :TOP])
                classes.append(kinds)
                tokens = list(rng.integers(0, WORDS, len(kinds)))
                prompts.append(Prompt(tokens, name, cluster, (2, 2 + content), 2 + content, topic, split=0))
    expert = np.concatenate(expert)
    weight = rng.integers(1, 64, expert.shape) / 64
    return write_run(path, prompts, from_routing(expert, weight, classes, K))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = made(tmp_path_factory.mktemp("parity") / "run")
    study = {
        "run.dir": path,
        "contrast.criteria": ",".join(CRITERIA),
        "contrast.groups": "a:b,a:c,a:b/c,b:c",
        "contrast.permutations": PERMUTATIONS,
        "reduce.controls": 0,
    }
    moerae("reduce", study)
    return open_run(path)


@pytest.fixture(scope="module")
def tables(run):
    return {name: reference.table(run.usage, name) for name in "abc"}


def score(run, criterion: str, of: str) -> np.ndarray:
    return run.contrast(criterion, of)["score"].values.ravel()


@pytest.mark.parametrize("of", ["a:b", "b:c"])
@pytest.mark.parametrize(("criterion", "digits"), [("studentised", 6), ("paired_t", 8), ("within_topic", 9)])
def test_statistics_are_their_formulas(run, tables, criterion, digits, of):
    expected = getattr(reference, criterion)(*(tables[name] for name in of.split(":")))
    assert np.abs(expected).max() > 1 and expected[-1] == 0  # the expert that nobody uses
    np.testing.assert_allclose(score(run, criterion, of), expected, rtol=10.0**-digits, atol=10.0**-digits)


@pytest.mark.parametrize("of", ["a:b", "b:c"])
def test_criteria_that_fix_their_positions(run, of):
    template = (reference.table(run.usage, name, ("template",)) for name in of.split(":"))
    expected = reference.studentised(*template, field="mass")
    np.testing.assert_allclose(score(run, "template_gate", of), expected, rtol=1e-5, atol=1e-5)
    expected = reference.studentised(*reference.same_token(run, *of.split(":")))
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(score(run, "cmh_token", of), expected, rtol=1e-4, atol=1e-4)  # kept to 2^-16


@pytest.mark.parametrize("name", ["a", "b"])
def test_usage_intervals_are_those_of_the_cluster_bootstrap(run, tables, name):
    table, draws = tables[name], 20_000
    p, low, high = (run.scores[f"ses/{name}/{key}"].values.ravel() for key in ("usage", "usage_low", "usage_high"))
    np.testing.assert_allclose(p, table.count.sum(0) / table.tokens.sum(), rtol=1e-14)
    weights = np.random.default_rng(5).multinomial(
        len(table.tokens), np.full(len(table.tokens), 1 / len(table.tokens)), draws
    )
    drawn = weights @ table.count / (weights @ table.tokens)[:, None]
    n = len(table.tokens)
    error = drawn.std(0) * np.sqrt(n / (n - 1))  # of the expectation of the bootstrap's variance
    used = p > 0
    assert used.sum() == len(p) - 1 and low[~used] == high[~used] == 0  # the expert that nobody uses
    # .5 % of Monte Carlo; the rest is what the linearisation leaves out: the square of the tokens' own error
    np.testing.assert_allclose((high - low)[used] / (2 * 1.959964 * error[used]), 1, atol=0.03)
    np.testing.assert_allclose((high + low) / 2, p, atol=1e-12)


def test_difference_and_divergence(run, tables):
    a, b = tables["a"], tables["b"]
    np.testing.assert_allclose(score(run, "risk_difference", "a:b"), reference.difference(a, b), atol=1e-15)
    shares = ((t.count.sum(0) / (TOP * t.tokens.sum())).reshape(LAYERS, K) for t in (a, b))
    with h5py.File(run.reduce / "scores.h5") as scores:
        divergence = scores["contrast/js/a-vs-b/divergence"][:]
    np.testing.assert_allclose(divergence, jensenshannon(*shares, axis=1) ** 2, rtol=1e-10)
    terms = score(run, "js", "a:b").reshape(LAYERS, K)  # less what chance makes
    assert (np.abs(terms).sum(1) > 0).all() and (np.abs(terms).sum(1) < divergence).all()


def test_paired_t_is_that_of_scipy_uncentred(run, tables):
    """scipy centres the differences: t_scipy^2 = (n - 1) t^2 / (n - t^2)."""
    d = reference.pair_differences(tables["a"], tables["b"])
    n, t = len(d), score(run, "paired_t", "a:b")
    used = (d != 0).any(0)
    expected = ttest_rel(d[:, used], np.zeros_like(d[:, used])).statistic
    np.testing.assert_allclose(np.sqrt((n - 1) / (n - t[used] ** 2)) * t[used], expected, rtol=1e-6)


def test_several_at_once_are_the_weaker_one(run):
    for criterion in CRITERIA:
        both, one, two = (run.contrast(criterion, of) for of in ("a:b/c", "a:b", "a:c"))
        np.testing.assert_array_equal(both["score"], np.minimum(one["score"], two["score"]))


def test_adjusted_p_is_step_down_max_t(run, tables):
    """b:c has no lone clusters on one side only: every cluster is a pair, and relabelling is a sign flip."""
    b, c = tables["b"], tables["c"]
    observed, drawn = reference.studentised(b, c), reference.sign_flips(b, c, 5000, seed=11)
    part = run.contrast("studentised", "b:c")
    compare(part["p_adjusted"].values.ravel(), reference.step_down(observed, drawn))
    p = (1 + (np.abs(drawn) >= np.abs(observed)).sum(0)) / (len(drawn) + 1)
    # p times the number of experts over the rank: errors of p grow with it
    np.testing.assert_allclose(part["q"].values.ravel(), false_discovery_control(p), atol=0.12)


def compare(found: np.ndarray, expected: np.ndarray) -> None:
    """Two Monte Carlo estimates of the same p, within five standard errors of their difference."""
    error = np.sqrt(expected * (1 - expected) / 5000 * 2) + 1e-3
    assert (np.abs(found - expected) < 5 * error).all(), np.column_stack([found, expected])


def test_the_planted_difference_is_found_and_the_smallest_p_reached(run):
    for criterion in ("studentised", "paired_t", "within_topic"):
        part = run.contrast(criterion, "a:b")
        at = (part["p_adjusted"].values <= 0.05).ravel()
        assert at[3], criterion
        assert part["p_adjusted"].values.min() >= 1 / (PERMUTATIONS + 1)
        assert (part["p_adjusted"].values.ravel()[[2 * K - 1]] == 1).all()  # never used: no evidence


def test_order_of_adjusted_p_is_that_of_the_statistic(run):
    for criterion in ("studentised", "paired_t", "within_topic"):
        for of in ("a:b", "b:c"):
            part = run.contrast(criterion, of)
            order = np.argsort(-np.abs(part["score"].values.ravel()), kind="stable")
            for name in ("p_adjusted", "q"):
                values = part[name].values.ravel()
                assert ((values > 0) & (values <= 1)).all()
            assert (np.diff(part["p_adjusted"].values.ravel()[order]) >= 0).all()


def test_topic_and_behaviour_as_before(run):
    """The golden values are of the C++ that made this table before reduce stored counts."""
    golden = json.loads((Path(__file__).parent / "topic_golden.json").read_text())
    summary = run.topic_behaviour["a-vs-b"].attrs["summary"]
    assert set(summary.index) == set(golden) and summary.loc["matched_pairs", "comparisons"] == PAIRED
    for row, expected in golden.items():
        found = summary.loc[row, list(expected)].astype(float)
        np.testing.assert_allclose(found, list(expected.values()), rtol=1e-12)


def test_agreement_is_that_of_scipy(run):
    table = run.agreement["spearman"]
    names = {
        f"{criterion}-{of.replace(':', '-vs-')}": (criterion, of) for criterion in CRITERIA for of in ("a:b", "b:c")
    }
    assert set(names) <= set(table.index)
    for one, first in names.items():
        for two, second in names.items():
            expected = spearmanr(score(run, *first), score(run, *second)).statistic
            assert table.loc[one, two] == pytest.approx(expected, abs=1e-12)
