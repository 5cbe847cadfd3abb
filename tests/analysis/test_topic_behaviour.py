"""Topic x behaviour from counts: against scipy, and on made worlds in which the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from made_topics import World, shares, stored
from moerae.topic_behaviour import pair_clusters, table
from moerae.topic_figures import Usage, js, overlap
from scipy.spatial.distance import jensenshannon

ROWS = {
    "pooled",
    "topic_changed_a",
    "topic_changed_b",
    "behaviour_changed",
    "matched_pairs",
    "cross_topic_pairs",
    "same_topic_pairs",
}


def made(world: World, seed: int = 5):
    rng = np.random.default_rng(seed)
    counts = stored(world.counts(rng), world.topic, rng, tokens=world.tokens)
    return table(counts, 2 * np.arange(world.layers) + 1)


def test_js_is_that_of_scipy_and_overlap_breaks_ties_by_id():
    a = Usage(np.array([[5, 5, 0, 0], [4, 2, 2, 2]]), np.array(5), 2)
    b = Usage(np.array([[0, 6, 1, 7], [0, 5, 5, 4]], np.uint32), np.array(7), 2)
    np.testing.assert_allclose(js(a, b), jensenshannon(a.share, b.share, axis=1) ** 2, rtol=1e-13)
    assert (js(a, a) == 0).all() and (js(a, b) == js(b, a)).all()
    assert [list(np.flatnonzero(layer)) for layer in a.top] == [[0, 1], [0, 1]]  # second layer: 1, 2 and 3 tie
    assert [list(np.flatnonzero(layer)) for layer in b.top] == [[1, 3], [1, 2]]
    assert list(overlap(a, b)) == [1, 1] and list(overlap(a, a)) == [2, 2]


def test_pairs_of_clusters_are_disjoint_and_of_the_right_topics():
    squares = np.arange(60) ** 2 % 7
    topics = np.stack([squares, np.where(np.arange(60) % 10 == 3, -1, squares)])
    for same in (True, False):
        pairs = pair_clusters(topics, same)
        assert len(pairs) > 20 and len(np.unique(pairs)) == pairs.size
        assert ((topics[0, pairs[:, 0]] == topics[0, pairs[:, 1]]) == same).all()
        assert (topics[1, pairs] >= 0).all()


def test_finds_what_was_put_in():
    world = World(topic_effect=0.8, behaviour_effect=0.25)
    data = made(world)
    rows = data.attrs["summary"]
    assert set(rows.index) == ROWS and data.attrs["absent"] == []
    truth = shares(world.log_shares())  # [2, T, L, K]
    behaviour = (jensenshannon(truth[0], truth[1], axis=-1) ** 2).mean()
    i, j = np.triu_indices(4, 1)
    topic = (jensenshannon(truth[0][i], truth[0][j], axis=-1) ** 2).mean()
    changed, same = rows.loc["topic_changed_a"], rows.loc["behaviour_changed"]
    assert (changed["comparisons"], changed["clusters_a"], changed["tokens_b"]) == (6, 20, 1200)
    assert changed["equal"] - changed["floor"] == pytest.approx(topic, rel=0.1)
    assert same["comparisons"] == 4 and same["equal"] - same["floor"] == pytest.approx(behaviour, rel=0.25)
    assert same["equal"] > same["mean"]  # plug-in: larger on fewer tokens
    assert same["high"] < changed["low"]
    # single clusters: the floor is high, and topic rises above it
    pairs, cross, floor = (rows.loc[f"{name}_pairs"] for name in ("matched", "cross_topic", "same_topic"))
    assert (pairs["comparisons"], cross["comparisons"]) == (80, 40) and np.isnan(floor["floor"])
    assert cross["low"] > floor["high"] and pairs["mean"] > same["high"]
    assert (cross["floor"], cross["floor_low"], cross["floor_high"]) == tuple(floor[["mean", "low", "high"]])
    assert (rows["overlap_low"] >= 0).all() and (rows["overlap_high"] <= 1).all() and changed["overlap"] < 0.7


@pytest.mark.parametrize("effect", ["cluster_effect", "goal_effect"])
def test_nothing_rises_above_its_floor_where_nothing_differs(effect):
    """What a goal asks for is the same in both groups: pairs are nearer than strangers, and that is no floor."""
    rows = made(World(**{effect: 0.5})).attrs["summary"].drop("same_topic_pairs")
    assert (rows["mean"] > 0).all() and (rows["floor_low"] <= rows["floor"]).all()
    ratio = rows["equal"] / rows["floor"]
    if effect == "goal_effect":
        assert rows.loc["matched_pairs", "high"] < rows.loc["matched_pairs", "floor_low"]
        ratio = ratio.drop("matched_pairs")
    np.testing.assert_allclose(ratio, 1, atol=0.12)


def test_pooled_takes_all_clusters_whatever_their_topics():
    world, rng = World(topic_effect=0.5, behaviour_effect=0.3), np.random.default_rng(3)
    count, topic = world.counts(rng), np.where(np.arange(80) < 70, -1, world.topic)
    data = table(stored(count, topic, rng), np.arange(3))
    share = count.sum(1) / count.sum((1, 3))[..., None]
    np.testing.assert_allclose(data["js_nats"].sel(row="pooled"), jensenshannon(*share, axis=-1) ** 2, rtol=1e-12)
    assert data.attrs["summary"].loc["pooled", "tokens_a"] == 80 * 60


def test_intervals_cover_what_is_expected_of_another_sample():
    """100 samples of clusters and tokens from one world: the interval is for the expectation of the plug-in."""
    world = World(clusters=40, layers=2, topic_effect=0.5, behaviour_effect=0.3, cluster_effect=0.4, tokens=40)
    found = [made(world, seed).attrs["summary"] for seed in range(100)]
    for name in ROWS:
        mean, low, high = (np.array([rows.loc[name, key] for rows in found]) for key in ("mean", "low", "high"))
        covered = ((low <= mean.mean()) & (mean.mean() <= high)).sum()
        assert covered >= 88, name  # .95 less three standard errors
        # nor too wide: the error is that of another sample; 7 % of Monte Carlo, and half-samples err upwards
        assert 0.8 < (high - low).mean() / 2 / 1.96 / mean.std() < 1.35, name


def test_rows_that_cannot_be_formed_say_why():
    world, rng = World(), np.random.default_rng(2)
    counts = stored(world.counts(rng), np.full(80, -1), rng)
    data = table(counts, np.arange(3))
    assert list(data["row"].values) == ["pooled", "matched_pairs"] and "floor" in data  # of pooled
    assert np.isnan(data["floor"].sel(row="matched_pairs")).all()
    assert any(text.startswith("topic_changed_a: the corpus states no topic") for text in data.attrs["absent"])
    assert any("cross_topic_pairs: 0 of them" in text for text in data.attrs["absent"])
    counts.sides[1].with_topic = 3
    assert any("needs two topics with at least 6" in text for text in table(counts, np.arange(3)).attrs["absent"])
    one = World(clusters=1)
    few = table(stored(one.counts(rng), one.topic, rng), np.arange(3))
    assert len(few) == 0 and few.attrs["summary"].empty
    assert "pooled: harm has 1 clusters and help has 1, each needs 2" in few.attrs["absent"][0]
