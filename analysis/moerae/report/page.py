"""Sections -> index.html (figures inlined), figures/*.png and the tables as CSV."""

from __future__ import annotations

import base64
import csv
import re
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from moerae import __version__
from moerae.files.publish import publishing
from moerae.report.across import across
from moerae.report.collect import IN_SAMPLE, Section, collect
from moerae.report.truth import METRICS


def write_report(runs: list[Path], truths: list[Path | None], out: Path, reduce: str | None, top: int) -> Path:
    sections = [collect(run, truth, reduce, top) for run, truth in zip(runs, truths, strict=True)]
    names = [section.name for section in sections]
    for index, section in enumerate(sections):
        if names.count(section.name) > 1:
            section.name = f"{section.name} ({index + 1})"
    pictures = {}
    for section in sections:
        for drawing in section.drawings:
            name = re.sub(r"[^A-Za-z0-9._-]+", "_", f"{section.name}-{drawing.name}")
            pictures[id(drawing)] = draw(drawing.figure, out / "figures" / f"{name}.png")
    agreeing = across(sections, top)
    page = render(
        "page.html.jinja",
        sections=sections,
        across=agreeing,
        picture=lambda drawing: pictures[id(drawing)],
        in_sample=IN_SAMPLE,
    )
    rows = {
        "report.csv": [_metric_row(section, name) for section in sections for name in _criteria(section)],
        "experts.csv": [{"run": s.name, "evidence": IN_SAMPLE, **row} for s in sections for row in s.top],
        "sets.csv": [{"run": s.name, "evidence": IN_SAMPLE, **row.plain()} for s in sections for row in s.sets],
        "replication.csv": [{"evidence": IN_SAMPLE, **row} for row in agreeing],
        "topics.csv": [{"run": s.name, "evidence": IN_SAMPLE, **row} for s in sections for row in topic_rows(s)],
    }
    for name, table in rows.items():
        if not table and name in ("topics.csv", "replication.csv"):  # of runs that have them only
            continue
        with publishing(out / name) as temporary, open(temporary, "w", newline="") as handle:
            writer = csv.DictWriter(handle, list(dict.fromkeys(key for row in table for key in row)))
            writer.writeheader()
            writer.writerows(table)
    with publishing(out / "index.html") as temporary:
        temporary.write_text(page, encoding="utf-8")
    return out / "index.html"


def _criteria(section: Section) -> list[str]:
    return list(dict.fromkeys(row["criterion"] for row in section.top))


def topic_rows(section: Section) -> list[dict]:
    """Nats, and bits of the mean."""
    return [
        {"comparison": table.name, "row": line.row, "what": line.what, **line.values, "mean_bits": line.bits("mean")}
        for table, _ in section.topics
        for line in table.lines
    ]


def _metric_row(section: Section, criterion: str) -> dict:
    """Metrics stay empty where there is no truth: the row says what was scored."""
    measured = next((row for row in section.metrics if row["criterion"] == criterion), {})
    row = {"run": section.name, "evidence": IN_SAMPLE, "criterion": criterion}
    row["truth"] = section.truth.name if section.truth else ""
    row["labels"] = section.truth.labels if section.truth else ""
    ends = [f"{metric}{end}" for metric in METRICS for end in ("", "_low", "_high")]
    return row | {key: measured.get(key, "") for key in ("n", "decoys_in_top_n", *ends)}


def render(template: str, **values: object) -> str:
    environment = Environment(
        loader=PackageLoader("moerae.report", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"number": _number, "count": _count, "p": _p}
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return environment.get_template(template).render(version=__version__, made=made, **values)


def draw(figure: Figure, png: Path) -> str:
    """Writes the PNG and gives it as a data address, too."""
    with publishing(png) as temporary:
        figure.savefig(temporary, format="png", dpi=160)
    return "data:image/png;base64," + base64.b64encode(png.read_bytes()).decode()


def _number(value: object) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:.3f}".replace("-", "\u2212")
    return str(value)


def _count(value: float) -> str:
    return "–" if value != value else str(int(value))


def _p(value: float) -> str:
    return "–" if value != value else f"{value:.2g}" if value < 0.001 else f"{value:.4f}"
