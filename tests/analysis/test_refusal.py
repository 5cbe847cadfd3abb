"""Statistics of judged replies: rates, drops, controls, doses, verdicts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from moerae.errors import ConfigError
from moerae.refusal.controls import beside
from moerae.refusal.dose import dose_response, trend
from moerae.refusal.judge_error import Confusion, corrected
from moerae.refusal.paired import drop, mid_p, rate
from moerae.refusal.verdict import verdict
from scipy.stats import binomtest, chi2, norm, sem, t


def test_rate_without_and_with_clusters() -> None:
    hits = np.array([1, 1, 0, 1, 0, 1, 1, 1], bool)
    alone = rate(hits, np.arange(8))
    assert (alone.low, alone.high) == pytest.approx(tuple(binomtest(6, 8).proportion_ci(0.95, "wilson")), rel=1e-9)
    # eight copies of one cluster's fate carry no more than the cluster
    copies = rate(np.repeat(hits, 8), np.repeat(np.arange(8), 8))
    assert copies.value == alone.value
    assert copies.high - copies.low > 0.9 * (alone.high - alone.low)
    one = rate(np.ones(6, bool), np.zeros(6, int))
    assert one.low == pytest.approx(binomtest(1, 1).proportion_ci(0.95, "wilson").low)


def test_drop_and_its_p() -> None:
    before, after = np.ones(500, bool), np.ones(500, bool)
    before[468:], after[358:] = False, False  # methods 8: all discordant pairs one way
    fell = drop(before, after, np.arange(500))
    assert (fell.value, fell.low, fell.high) == pytest.approx((0.22, 0.184, 0.258), abs=1e-3)
    assert fell.p < 1e-30
    assert mid_p(0, 0) == 1
    assert mid_p(5, 5) == pytest.approx(1.0)
    assert mid_p(9, 1) == pytest.approx(2 * (1 + 10) / 1024 - 10 / 1024)
    assert mid_p(8, 0) == pytest.approx(2**-8)
    pairs = drop(np.repeat(before, 2), np.repeat(after, 2), np.repeat(np.arange(500), 2))
    assert pairs.value == pytest.approx(0.22)
    assert pairs.p == fell.p  # clusters are counted, not prompts
    assert pairs.high - pairs.low == pytest.approx(fell.high - fell.low, rel=0.05)


def test_the_p_of_controls() -> None:
    assert beside(0.5, 0.4, 0.6, [0.1] * 19).p == 0.05
    assert beside(0.1, 0.0, 0.2, [0.1, 0.0, 0.2]).p == 0.75
    assert np.isnan(beside(0.1, 0.0, 0.2, []).p)


def test_the_excess_over_controls() -> None:
    exact = beside(0.5, 0.4, 0.65, [0.1] * 19)  # controls without spread: the interval of the drop, moved
    assert (exact.excess, exact.low, exact.high) == pytest.approx((0.4, 0.3, 0.55))
    others = [0.05, 0.1, 0.3, -0.02]
    certain = beside(0.5, 0.5, 0.5, others)  # a drop without error: Student's interval of the mean
    low, high = t.interval(0.95, 3, np.mean(others), sem(others))
    assert (certain.low, certain.high) == pytest.approx((0.5 - high, 0.5 - low))
    assert np.isnan(beside(0.5, 0.4, 0.6, [0.1]).low)


def test_trend_of_two_doses_is_mcnemar() -> None:
    refused = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [5, 17, 6, 3], axis=0).astype(bool)
    p, moved = trend(refused, np.array([0, 6]), np.arange(len(refused)))
    assert (p, moved) == (pytest.approx(chi2.sf(11**2 / 23, 1)), 23)
    doubled = trend(refused.repeat(2, axis=0), np.array([0, 6]), np.arange(len(refused)).repeat(2))
    assert doubled == (pytest.approx(p), moved)  # clusters are counted, not prompts
    assert trend(np.ones((4, 3), bool), np.array([0, 1, 2]), np.arange(4)) == (1.0, 0)


def test_trend_of_independent_answers_is_that_of_cochran_and_armitage() -> None:
    dose, n = np.array([0, 1, 2, 4]), 20_000
    refused = np.random.default_rng(5).random((n, 4)) < 0.4 - 0.007 * dose
    share = refused.mean()
    z = (refused @ (dose - dose.mean())).sum() / np.sqrt(share * (1 - share) * n * ((dose - dose.mean()) ** 2).sum())
    p, _ = trend(refused, dose, np.arange(n))
    assert norm.isf(p / 2) == pytest.approx(abs(z), rel=0.01)
    assert abs(z) > 3  # with something to compare


def test_trend_keeps_its_level_where_prompts_are_related() -> None:
    rng = np.random.default_rng(8)
    dose, clusters = np.array([0, 1, 2, 4]), np.arange(60).repeat(3)
    found = []
    for _ in range(1000):
        luck = rng.normal(size=(60, 1)).repeat(3, axis=0) + rng.normal(size=(60, 4)).repeat(3, axis=0)
        found.append(trend(luck + rng.normal(size=(180, 4)) > 0, dose, clusters)[0])
    assert 0.03 < np.mean(np.array(found) < 0.05) < 0.07


def test_dose_response() -> None:
    dose = np.array([0, 1, 2, 4])
    refused = np.arange(10)[:, None] < np.array([10, 4, 6, 2])  # more refusals with two experts than with one
    found = dose_response(refused, dose, np.arange(10))
    assert found.fit == pytest.approx([1, 0.5, 0.5, 0.2])
    assert (found.half, found.moved) == (1, 8)
    assert found.p < 0.01
    assert np.isnan(dose_response(~refused, dose, np.arange(10)).half)  # refusals rise


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({}, "effect"),
        ({"drop_low": -0.01}, "no effect"),
        ({"lost_broken": 60}, "damage"),
        ({"controls": np.nan, "p": np.nan}, "not decided"),
        ({"control_drop": 0.45}, "distributed and redundant"),
        ({"controls": 5, "p": 1 / 6}, "not decided"),
    ],
)
def test_verdicts(changed: dict, word: str) -> None:
    row = {"drop": 0.5, "drop_low": 0.4, "lost_complied": 45, "lost_broken": 5, "lost_other": 0}
    row |= {"controls": 99, "control_drop": 0.02, "p": 0.01}
    assert verdict(pd.Series(row | changed)).word == word


@pytest.mark.parametrize(
    ("sensitivity", "specificity", "true"), [(0.87, 0.93, 0.9), (0.87, 0.93, 0.1), (0.8, 0.8, 0.5)]
)
def test_shares_without_the_errors_of_the_judge_cover_the_truth(sensitivity, specificity, true) -> None:
    random, n, covered, values = np.random.default_rng(3), 154, [], []
    for _ in range(2000):
        judge = Confusion(131, random.binomial(131, sensitivity), 302, random.binomial(302, specificity))
        called = random.binomial(n, true * sensitivity + (1 - true) * (1 - specificity)) / n
        value, low, high = corrected(called, n, judge)
        covered.append(low <= true <= high)
        values.append(value)
    assert np.mean(covered) > 0.93 and abs(np.mean(values) - true) < 0.01


def test_a_judge_that_does_not_err_leaves_a_share_as_it_is() -> None:
    value, low, high = corrected(0.7, 200, Confusion(100_000, 100_000, 100_000, 100_000))
    plain = rate(np.arange(200) < 140, np.arange(200))
    assert value == 0.7 and abs(low - plain.low) < 1e-3 and abs(high - plain.high) < 1e-3


@pytest.mark.parametrize("text", ["1,2", "5/4,1/1", "1/2,1/2", "0/0,1/1", "a/b,c/d"])
def test_a_confusion_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--confusion"):
        Confusion.parse(text)
