"""Without a difference the tests fire at their level, and without strata they do not: 400 runs each."""

from __future__ import annotations

import numpy as np
import pytest
from null_data import LAYERS, K, Trace, hot_topics, long_against_short, long_labels, pairs, random_split
from null_runs import allowed, refusal, selected_by_chance, smallest_p
from support import ROOT

RUNS = 400
ESFT = ROOT / "../shared/data/esft"
published = pytest.mark.skipif(not ESFT.is_dir(), reason="the published traces are not at ../shared/data/esft")


@pytest.mark.parametrize(
    ("draw", "criterion"),
    [(random_split, "studentised"), (pairs, "paired_t"), (long_labels, "studentised")],
)
def test_the_level_is_kept(tmp_path, draw, criterion):
    p = smallest_p(tmp_path, draw, criterion, runs=RUNS)
    assert len(p) == RUNS and len(np.unique(p)) > 20
    assert (p <= 0.05).mean() <= allowed(RUNS), (p <= 0.05).mean()
    assert (p <= 0.5).mean() >= 0.4  # not by never firing


@pytest.mark.parametrize("draw", [long_labels, hot_topics])
def test_without_strata_it_is_not(tmp_path, draw):
    """The data are such that the strata are needed: else the test above would prove nothing."""
    p = smallest_p(tmp_path, draw, "studentised", within="none", runs=40)
    assert (p <= 0.05).mean() > 0.2


def test_long_against_short_cannot_be_told_from_the_groups(tmp_path):
    assert "0 of 64 clusters can change" in refusal(tmp_path, long_against_short, "studentised")


@published
def test_random_halves_of_a_published_task(tmp_path):
    trace = Trace.read(ESFT / "intent.h5")
    p = smallest_p(tmp_path, trace.random_split, "studentised", runs=RUNS)
    assert (p <= 0.05).mean() <= allowed(RUNS), (p <= 0.05).mean()


def test_selection_by_chance_is_bounded(tmp_path):
    """Shah and Samworth, unimodal, 50 complementary pairs, q = 4 of p = 32: E[V] <= q^2 / p / um."""
    bound = {0.6: 0.5 / (2 * (2 * 0.6 - 1 - 1 / 100)), 0.9: 0.5 / ((1 + 1 / 50) / (4 * (1 - 0.9 + 1 / 100)))}
    assert LAYERS * K == 32 and bound == pytest.approx({0.6: 1.3158, 0.9: 0.2157}, abs=1e-4)
    found = selected_by_chance(tmp_path, RUNS, alpha=4 / 32, thresholds=list(bound))
    for threshold, counts in found.items():
        assert len(counts) == RUNS
        assert counts.mean() <= bound[threshold] + 3 * counts.std() / np.sqrt(RUNS), (threshold, counts.mean())
    assert found[0.6].mean() > 0.05  # chance selects some
