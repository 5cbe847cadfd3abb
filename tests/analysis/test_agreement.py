"""Agreement of scores and of sets, by hand and by scipy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from moerae import agreement
from scipy.stats import spearmanr


def test_scores_by_hand():
    scores = {"a": [[1, 2], [3, 4]], "b": [[4, 3], [2, 1]], "tied": [[1, 1], [1, 0]], "flat": [[7, 7], [7, 7]]}
    found = agreement.of_scores({name: np.array(values, float) for name, values in scores.items()}, 2)
    spearman, jaccard = found["spearman"], found["jaccard"]
    assert spearman.loc["a", "b"] == pytest.approx(-1) == spearman.loc["b", "a"]
    assert spearman.loc["b", "tied"] == pytest.approx(spearmanr([4, 3, 2, 1], [1, 1, 1, 0]).statistic)
    assert (jaccard.loc["a", "a"], jaccard.loc["a", "b"]) == (1, 0)
    assert jaccard.loc["b", "tied"] == 1 and jaccard.loc["a", "tied"] == 0  # ties: the first two
    assert np.isnan(spearman.loc["flat"]).all() and np.isnan(jaccard["flat"]).all()
    assert jaccard.attrs["size"] == 2 and agreement.of_scores({}, 2) == {}


def test_correlation_is_that_of_scipy():
    rng = np.random.default_rng(1)
    scores = {str(i): rng.integers(0, 9, (3, 20)).astype(float) for i in range(4)}
    found = agreement.of_scores(scores, 100)
    expected = spearmanr(np.stack([score.ravel() for score in scores.values()], 1)).statistic
    np.testing.assert_allclose(found["spearman"], expected, atol=1e-14)
    assert found["jaccard"].attrs["size"] == 60 and (found["jaccard"] == 1).all(axis=None)  # more than there are


def test_sets():
    def frame(*experts: tuple[int, int]) -> pd.DataFrame:
        return pd.DataFrame(list(experts), columns=["layer", "expert"])

    found = agreement.of_sets({"one": frame((1, 0), (1, 1)), "two": frame((1, 1), (3, 1), (3, 0)), "none": frame()})[
        "sets"
    ]
    assert found.loc["one", "two"] == 0.25 and found.loc["one", "none"] == 0
    assert np.isnan(found.loc["none", "none"]) and found.loc["two", "two"] == 1
    assert agreement.of_sets({}) == {}
