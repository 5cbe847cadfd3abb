"""Rows about expert sets: size, what noise alone gives, evidence, controls with the ratios they achieved."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from moerae.reader import Run
from moerae.report.topics import Table
from moerae.report.words import find, name, words

NOISE = ("noise_floor", "expected_false", "bound")  # keys that say what noise alone gives
TRUE = ("true_discover",)
MATCHED = {True: "matched", False: "NOT matched"}


@dataclass
class SetRow:
    set: str
    criterion: str
    size: int
    noise: str
    true_discoveries: str
    best: str
    evidence: dict[str, str] = field(default_factory=dict)
    controls: list[dict] = field(default_factory=list)  # kind, n, size, matched, ratios
    topic: str = ""  # topic x behaviour in a sentence

    def plain(self) -> dict[str, object]:
        """For CSV."""
        keys = ("set", "criterion", "size", "noise", "true_discoveries", "best", "topic")
        return {key: getattr(self, key) for key in keys}


def expert_sets(run: Run, topics: list[Table]) -> list[SetRow]:
    rows = []
    for file in run.expert_sets:
        members = run.expert_set(file)
        evidence, provenance = members.attrs["evidence"] or {}, members.attrs["provenance"] or {}
        both = {"provenance": provenance, "evidence": evidence}
        # one wording of one fact, where it stands in both
        noise = dict.fromkeys(f"{key}: {_short(value)}" for key, value in find(both, NOISE))
        least = next((_short(value) for _, value in find(evidence, TRUE)), "")
        best = ", ".join(f"{e.layer}:{e.expert}" for e in members.head(8).itertuples())
        row = SetRow(file, members.attrs["criterion"], len(members), "; ".join(noise), least, best)
        row.evidence = {name(key): words(value) for key, value in evidence.items()}
        row.controls = controls(members.attrs["controls"])
        row.topic = _topic(file, topics)
        rows.append(row)
    return rows


def _short(value: object) -> str:
    """For a cell: the sentence of a bound and the meaning of a count stand below the table."""
    match value:
        case {"at_least": n, "of": size, "confidence": level}:
            return f"{n} of {size} ({100 * level:.0f} %)"
        case {"says": _, "selected": selected, "informative": informative}:
            values = ", ".join(f"{name(k)} {v:.3g}" for k, v in value.items() if isinstance(v, float))
            return f"{values or 'none'} of {selected} expected by chance{'' if informative else ' (vacuous)'}"
    return words(value)


def controls(stored: list[dict]) -> list[dict]:
    """One row per kind: how many sets, their sizes, how many are matched, lowest and highest ratio of each quantity."""
    if not stored:
        return []
    frame = pd.DataFrame(stored)
    rows = []
    for kind, part in frame.groupby("kind", sort=False):
        sizes = part["experts"].map(len)
        ratios = pd.DataFrame(part["ratio"].tolist())
        spans = {key: f"{ratios[key].min():.2f} to {ratios[key].max():.2f}" for key in ratios}
        row = {"kind": kind, "n": len(part), "size": f"{sizes.min()} to {sizes.max()}", "ratios": spans}
        rows.append(row | {"matched": int(part["matched"].sum())})
    return rows


def _topic(file: str, topics: list[Table]) -> str:
    """Of the comparison that the set is named after, else of all."""
    own = [table for table in topics if file.endswith(f"-{table.name}")]
    return "; ".join(table.sentence for table in own or topics if table.sentence)
