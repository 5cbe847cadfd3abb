"""One run -> what its section of the report shows: tables as plain rows, figures as drawings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from moerae.criteria import KINDS, Criterion, criteria
from moerae.reader import Run, open_run
from moerae.report import figures
from moerae.report.expert_sets import SetRow, expert_sets
from moerae.report.masking import Masking, masking, picture
from moerae.report.significance import Tested, tested, volcano
from moerae.report.topics import Table, by_layer, tables
from moerae.report.truth import Truth, evaluate, read_truth

IN_SAMPLE = "IN-SAMPLE (discovery)"


@dataclass
class Drawing:
    name: str  # of the PNG file, without its ending
    caption: str
    figure: Figure


@dataclass
class Section:
    name: str
    facts: dict[str, str]
    corpus: list[dict]
    sets: list[SetRow]
    top: list[dict]  # criterion, rank, layer, expert, score, ...
    truth: Truth | None = None
    masking: Masking | None = None
    masking_drawing: Drawing | None = None
    metrics: list[dict] = field(default_factory=list)
    maps: dict[str, list[Drawing]] = field(default_factory=dict)  # by kind
    paths: list[Drawing] = field(default_factory=list)
    overview: list[Drawing] = field(default_factory=list)
    tested: list[Tested] = field(default_factory=list)
    volcanoes: list[Drawing] = field(default_factory=list)
    topics: list[tuple[Table, Drawing]] = field(default_factory=list)
    replication: list[dict] = field(default_factory=list)
    layers: list[int] = field(default_factory=list)
    scores: dict[str, np.ndarray] = field(default_factory=dict)  # [L, K] by criterion

    @property
    def drawings(self) -> list[Drawing]:
        maps = [drawing for group in self.maps.values() for drawing in group]
        topics = [drawing for _, drawing in self.topics]
        masked = [self.masking_drawing] if self.masking_drawing else []
        return [*masked, *self.overview, *self.paths, *maps, *self.volcanoes, *topics]


def collect(path: Path, truth_path: Path | None, reduce: str | None, top: int) -> Section:
    run = open_run(path, reduce=reduce)
    found = criteria(run)
    layers = [int(layer) for layer in run.scores["layer"].values]
    truth = read_truth(truth_path, layers, run.scores.sizes["expert"]) if truth_path else None
    topics, tests = tables(run), tested(run)
    section = Section(path.resolve().name, _facts(run), _corpus(run), expert_sets(run, topics), [], truth)
    section.masking = masking(path)
    if section.masking is not None and section.masking.lines:
        section.masking_drawing = Drawing("masking", "drop of refusal", picture(section.masking))
    section.tested, section.replication = tests, run.replication.to_dict("records")
    section.layers, section.scores = layers, {criterion.name: criterion.values for criterion in found}
    shown = [test for test in tests if test.p_adjusted is not None]
    for groups in dict.fromkeys(test.groups for test in shown):
        figure = volcano([test for test in shown if test.groups == groups], truth)
        section.volcanoes.append(Drawing(f"volcano-{groups}", groups, figure))
    section.topics = [(table, Drawing(f"topics-{table.name}", table.name, by_layer(table))) for table in topics]
    adjusted = {(test.criterion, test.groups): test for test in shown}
    for criterion in found:
        test = adjusted.get((criterion.method, criterion.groups)) if criterion.kind == "contrast" else None
        section.top += _top(criterion, layers, truth, top, test)
        drawing = Drawing(f"map-{criterion.name}", criterion.name, figures.heat_map(criterion, layers, truth))
        section.maps.setdefault(KINDS[criterion.kind], []).append(drawing)
    for name, stability in run.paths.items():
        rule = run.scores[f"ses/{name}/frequency"].attrs
        figure = figures.stability_path(name, stability, rule, truth)
        section.paths.append(Drawing(f"path-{name}", f"stability path of {name}", figure))
    if truth is not None and truth.positives:
        section.metrics = [evaluate(criterion, truth) for criterion in found]
        total = int((truth.label >= 0).sum())
        figure = figures.against_truth(sorted(section.metrics, key=lambda row: -row["auroc"]), truth.positives, total)
        section.overview.append(Drawing("truth", "every criterion against the truth", figure))
    section.overview += list(_agreements(run))
    return section


def _agreements(run: Run) -> Iterator[Drawing]:
    kinds = {
        "spearman": "Spearman correlation between scores",
        "jaccard": "Jaccard index of the {size} best of each score",
    }
    kinds["sets"] = "Jaccard index of the expert sets"
    found = run.agreement
    for kind, caption in kinds.items():
        if kind in found and len(found[kind]) > 1:
            table = found[kind]
            caption = caption.format(size=table.attrs.get("size", ""))
            drawn = figures.agreement(list(table.index), table.to_numpy(), -1 if kind == "spearman" else 0)
            yield Drawing(f"agreement-{kind}", caption, drawn)


def _facts(run: Run) -> dict[str, str]:
    names = {"model_id": "model", "version": "version", "git_commit": "commit", "created_utc": "made", "seed": "seed"}
    facts = {label: str(run.facts[key]) for key, label in names.items() if str(run.facts.get(key, "")) != ""}
    scores = run.scores
    facts["experts"] = f"{scores.sizes['layer']} MoE layers x {scores.sizes['expert']}"
    facts["scores"] = run.reduce.name
    return facts


def _corpus(run: Run) -> list[dict]:
    rows = []
    for name, part in run.corpus.groupby("set", sort=True):
        splits = part["split"].value_counts()
        row = {"set": name, "prompts": len(part), "clusters": part["cluster"].nunique(), "tokens": part["tokens"].sum()}
        rows.append(row | {split: int(splits.get(split, 0)) for split in ("discovery", "validation", "test")})
    return rows


def _top(criterion: Criterion, layers: list[int], truth: Truth | None, top: int, test: Tested | None) -> list[dict]:
    values = criterion.values
    rows = []
    for rank, index in enumerate(np.argsort(-values.ravel(), kind="stable")[:top], 1):
        row, expert = divmod(int(index), values.shape[1])
        entry = {"criterion": criterion.name, "rank": rank, "layer": layers[row], "expert": expert}
        entry["score"] = float(values[row, expert])
        if test is not None:
            entry["p_adjusted"] = float(test.p_adjusted[row, expert])
            if test.q is not None:
                entry["q"] = float(test.q[row, expert])
        if truth is not None:
            entry |= {
                "role": truth.role[row, expert],
                "label": ("grey", "negative", "positive")[truth.label[row, expert] + 1],
            }
            entry |= {"margin_drop": truth.margin[row, expert], "refusal_drop": truth.refusal[row, expert]}
        rows.append(entry)
    return rows
