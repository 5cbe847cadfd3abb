"""What `reduce` writes beside scores, on a made run: tests, topic x behaviour, replication, evidence."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
from made_run import DECOY, LAYERS, PLANTED, SETS, K
from made_topics import World, stored, write

CONTRAST = "contrast/risk_difference/regular-vs-permitted"
WORLD = World(layers=len(LAYERS), experts=K, topic_effect=0.9, behaviour_effect=0.3)
REASON = "same_topic_pairs: 4 of them (pairs of these clusters, of one topic, in one set), at least 6 are needed"


def add_statistics(run: Path) -> Path:
    """After add_scores."""
    with h5py.File(run / "reduce/scores.h5", "r+") as file:
        add_tests(file)
        add_topics(file)
        replication = file.create_group("replication/risk_difference/regular-vs-permitted")
        replication["spearman"], replication["jaccard"] = [0.9, 0.0, 0.7], [0.5, 0.25, 0.5]
        replication["spearman_defined"] = np.array([1, 0, 1], np.uint8)
        replication.attrs["size"] = 4
    add_evidence(run / "reduce/sets/ses-regular.json")
    return run


def add_tests(file: h5py.File) -> None:
    """Planted experts and the decoy are significant at the smallest p that can be reached."""
    p = np.full((len(LAYERS), K), 0.7)
    for layer, expert in (*PLANTED, DECOY):
        p[LAYERS.index(layer), expert] = 0.0005
    file[f"{CONTRAST}/p_adjusted"], file[f"{CONTRAST}/q"] = p, p / 2
    facts = {"test": "studentised", "movable": 12, "permutations": 1999, "smallest_p": 0.0005, "lambda": 0.3}
    file[f"{CONTRAST}/score"].attrs.update(facts)
    refused = {"test": "studentised", "significance_refused": "4 of 12 clusters can move"}
    file["contrast/risk_difference/regular-vs-jailbreak/score"].attrs.update(refused)


def add_topics(file: h5py.File) -> None:
    """Topics differ much, behaviour a little; too few clusters for pairs of one topic."""
    rng = np.random.default_rng(4)
    count = WORLD.counts(rng)
    counts = stored(count, WORLD.topic, rng, tokens=WORLD.tokens, names=("regular", "permitted"))
    counts.pair_topics[:, 12:] = -1
    counts.pair_topics[:, :12] = np.arange(12) % 8  # 6 pairs of different topics, 4 of one
    write(file.create_group("topic_behaviour/regular-vs-permitted"), counts)


def add_evidence(path: Path) -> None:
    data = json.loads(path.read_text())
    sentence = "vacuous: <=23 experts"
    data["evidence"] = {"bounds": {"unimodal": 23.0, "what": sentence}, "true_discoveries": {"at least": 2}}
    ratio = {f"usage {name}": value for name, value in zip(SETS, (0.97, 1.0, 1.04), strict=True)}
    one = {"kind": "matched", "experts": [[1, 0], [3, 1]], "ratio": ratio, "matched": True}
    two = one | {"ratio": {key: 2 * value for key, value in ratio.items()}, "matched": False}
    data["controls"] = [one, two, {"kind": "dose", "experts": [[1, 6]], "ratio": {"gate": 0.5}, "matched": False}]
    path.write_text(json.dumps(data))
