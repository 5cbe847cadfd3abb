"""What `reduce` writes beside scores, on a made run: tests, topic x behaviour, replication, evidence."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
from made_run import DECOY, LAYERS, PLANTED, SETS, K

CONTRAST = "contrast/risk_difference/regular-vs-permitted"
ROWS = {"pooled": 0.05, "topic_changed_a": 0.3, "topic_changed_b": 0.28, "behaviour_changed": 0.02}
REASON = "matched_pairs: the sets share no cluster"


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
    for row, value in ROWS.items():
        group = file.create_group(f"topic_behaviour/regular-vs-permitted/{row}")
        for key, factor in (("js_nats", 1), ("js_low", 0.8), ("js_high", 1.2), ("js_equal", 1.1), ("floor", 0.1)):
            group[key] = value * factor * np.array([0.5, 1.5])
        attributes = {
            "mean": value,
            "low": 0.8 * value,
            "high": 1.2 * value,
            "equal": 1.1 * value,
            "floor": 0.1 * value,
        }
        attributes |= {"overlap": 1.5, "comparisons": 3, "clusters_a": 12, "clusters_b": 12, "of": "hot against cold"}
        if row == "topic_changed_b":  # too few clusters for halves
            del group["floor"], attributes["floor"]
        group["js_nats"].attrs.update(attributes)
    file["topic_behaviour/regular-vs-permitted/pooled/js_nats"].attrs["absent"] = [REASON]


def add_evidence(path: Path) -> None:
    data = json.loads(path.read_text())
    sentence = "vacuous: <=23 experts"
    data["evidence"] = {"bounds": {"unimodal": 23.0, "what": sentence}, "true_discoveries": {"at least": 2}}
    ratio = {f"usage {name}": value for name, value in zip(SETS, (0.97, 1.0, 1.04), strict=True)}
    one = {"kind": "matched", "experts": [[1, 0], [3, 1]], "ratio": ratio, "matched": True}
    two = one | {"ratio": {key: 2 * value for key, value in ratio.items()}, "matched": False}
    data["controls"] = [one, two, {"kind": "dose", "experts": [[1, 6]], "ratio": {"gate": 0.5}, "matched": False}]
    path.write_text(json.dumps(data))
