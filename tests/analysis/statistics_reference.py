"""The statistics of contrasts written a second time, in numpy, from their formulas: slow and plain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from moerae.reader import Run


@dataclass
class Table:
    """Usage of one set, clusters ascending. E = L*K experts."""

    cluster: np.ndarray  # [C]
    count: np.ndarray  # [C, E]
    mass: np.ndarray  # [C, E]
    tokens: np.ndarray  # [C]
    topic: np.ndarray  # [C] text; "" unknown, or not the same for all prompts
    length: np.ndarray  # [C] tokens per prompt


def table(usage: xr.Dataset, name: str, classes: tuple[str, ...] = ("prompt", "response")) -> Table:
    part = usage.isel(prompt=np.flatnonzero((usage["set"] == name) & (usage["split"] == "discovery")))
    part = part.sel({"class": list(classes)}).sum("class")
    ids = np.unique(part["cluster"].values)
    count, mass, tokens, topic, length = [], [], [], [], []
    for cluster in ids:
        rows = part.isel(prompt=np.flatnonzero(part["cluster"].values == cluster))
        count.append(rows["count"].values.sum(0).ravel())
        mass.append(rows["gate_mass"].values.sum(0).ravel())
        tokens.append(int(rows["tokens"].values.sum()))
        topics = set(rows["topic"].values)
        topic.append(topics.pop() or "" if len(topics) == 1 else "")
        length.append(int(np.floor(tokens[-1] / rows.sizes["prompt"] + 0.5)))
    arrays = (np.array(values) for values in (count, mass, tokens, topic, length))
    return Table(ids, *arrays)


def ratio(value: np.ndarray, error: np.ndarray) -> np.ndarray:
    """value / error, 0 where nothing varies."""
    return np.divide(value, error, out=np.zeros(np.broadcast(value, error).shape), where=error > 0)


def difference(a: Table, b: Table, field: str = "count") -> np.ndarray:
    """Per token, pooled over the clusters [E]."""
    return getattr(a, field).sum(0) / a.tokens.sum() - getattr(b, field).sum(0) / b.tokens.sum()


def contributions(a: Table, b: Table, field: str = "count") -> tuple[np.ndarray, np.ndarray]:
    """What each cluster adds to the difference when both groups have the pooled rate: ids [G] and u [G, E]."""
    x, y = getattr(a, field), getattr(b, field)
    pooled = (x.sum(0) + y.sum(0)) / (a.tokens.sum() + b.tokens.sum())
    ids = np.union1d(a.cluster, b.cluster)
    u = np.zeros((len(ids), x.shape[1]))
    u[np.searchsorted(ids, a.cluster)] += (x - pooled * a.tokens[:, None]) / a.tokens.sum()
    u[np.searchsorted(ids, b.cluster)] -= (y - pooled * b.tokens[:, None]) / b.tokens.sum()
    return ids, u


def studentised(a: Table, b: Table, field: str = "count") -> np.ndarray:
    """T = (p_a - p_b) / sqrt(sum_c u_c^2), residuals about the pooled rate: the score form under H0."""
    _, u = contributions(a, b, field)
    return ratio(difference(a, b, field), np.sqrt((u * u).sum(0)))


def pair_differences(a: Table, b: Table) -> np.ndarray:
    """Rates of the two sides of each pair, a - b [pairs, E]."""
    _, i, j = np.intersect1d(a.cluster, b.cluster, return_indices=True)
    return a.count[i] / a.tokens[i, None] - b.count[j] / b.tokens[j, None]


def paired_t(a: Table, b: Table) -> np.ndarray:
    """t = sum d / sqrt(sum d^2), not centred."""
    d = pair_differences(a, b)
    return ratio(d.sum(0), np.sqrt((d * d).sum(0)))


def within_topic(a: Table, b: Table) -> np.ndarray:
    """Score test of the group in least squares of the rate on topics and log length: sum u / sqrt(sum u^2), u_c of a
    cluster = residual of the group times residual of the rate."""
    y = np.concatenate([t.count / t.tokens[:, None] for t in (a, b)])
    topic, cluster = (np.concatenate([getattr(t, name) for t in (a, b)]) for name in ("topic", "cluster"))
    group = np.repeat([0.5, -0.5], [len(a.tokens), len(b.tokens)])
    length = np.log(np.concatenate([a.length, b.length]))
    x = np.column_stack([topic[:, None] == np.unique(topic), length]).astype(float)
    both = np.column_stack([group, y])
    rest = both - x @ np.linalg.lstsq(x, both, rcond=None)[0]
    rest[np.abs(rest) < 1e-12] = 0
    u = np.stack([(rest[cluster == c, :1] * rest[cluster == c, 1:]).sum(0) for c in np.unique(cluster)])
    return ratio(u.sum(0), np.sqrt((u * u).sum(0)))


def same_token(run: Run, a: str, b: str) -> list[Table]:
    """Selections before the reply less what both groups together do at the same token id, at ids that both have."""
    rows: dict[str, list[tuple[int, int, np.ndarray]]] = {a: [], b: []}  # cluster, token id, selections [E]
    experts = run.usage.sizes["expert"]
    for shard in range(len(run.shards)):
        routing = run.routing(shard)
        for prompt in np.unique(routing["prompt"].values):
            of = run.corpus.loc[prompt]
            if of["set"] not in rows:
                continue
            ids = routing["expert_id"].values[routing["prompt"].values == prompt]
            chosen = (ids[..., None] == np.arange(experts)).any(2).reshape(len(ids), -1)
            words = run.tokens(prompt)[: of["response_begin"]]
            rows[of["set"]] += [(of["cluster"], int(word), chosen[i]) for i, word in enumerate(words)]
    shared = {word for _, word, _ in rows[a]} & {word for _, word, _ in rows[b]}
    share = {w: np.mean([c for part in rows.values() for _, word, c in part if word == w], axis=0) for w in shared}
    found = []
    for name in (a, b):
        kept = [(cluster, c - share[word]) for cluster, word, c in rows[name] if word in shared]
        ids = np.unique([cluster for cluster, _ in kept])
        count = np.array([np.sum([r for cluster, r in kept if cluster == i], axis=0) for i in ids])
        tokens = np.array([sum(cluster == i for cluster, _ in kept) for i in ids])
        found.append(Table(ids, count, count, tokens, np.full(len(ids), ""), tokens))
    return found


def sign_flips(a: Table, b: Table, draws: int, seed: int) -> np.ndarray:
    """studentised of `draws` relabellings [draws, E] where every cluster is a pair."""
    assert (a.cluster == b.cluster).all()
    rng = np.random.default_rng(seed)
    found = np.empty((draws, a.count.shape[1]))
    for row in found:
        swap = rng.random(len(a.cluster)) < 0.5
        first, second = (
            Table(
                s.cluster,
                np.where(swap[:, None], o.count, s.count),
                s.mass,
                np.where(swap, o.tokens, s.tokens),
                s.topic,
                s.length,
            )
            for s, o in ((a, b), (b, a))
        )
        row[:] = studentised(first, second)
    return found


def step_down(observed: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Westfall and Young's max-T: adjusted p [E]; never falling along |T|."""
    order = np.argsort(-np.abs(observed), kind="stable")
    tail = np.maximum.accumulate(np.abs(drawn[:, order])[:, ::-1], axis=1)[:, ::-1]
    p = (1 + (tail >= np.abs(observed)[order]).sum(0)) / (len(drawn) + 1)
    adjusted = np.empty(len(observed))
    adjusted[order] = np.maximum.accumulate(p)
    return adjusted
