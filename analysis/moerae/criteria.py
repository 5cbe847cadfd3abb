"""Scores of a run under the names of their expert sets: what the report and the agreement matrices compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from moerae.reader import Run

# kind -> (what a score is, unit; contrasts are signed and drawn around 0)
KINDS = {
    "ses": "share of resamples in which the expert is in the top N (of its layer, or of the model for a contrast)",
    "usage": "activation probability: share of tokens that select the expert",
    "esft": "ESFT relevance: token share or mean gate weight",
    "group": "SAFEx groups, from selection frequencies of the regular and the jailbreak set",
    "contrast": "first set minus second set: positive = more in the first",
    "combined": "min-*: the smallest of the contrasts of one set with several benign sets",
}


@dataclass(frozen=True)
class Criterion:
    name: str
    kind: str
    values: np.ndarray  # float64 [L, K]
    method: str = ""  # row of the table of criteria, such as risk_difference
    groups: str = ""  # what it compares, such as regular-vs-permitted, or the set it scores

    @property
    def signed(self) -> bool:
        return bool((self.values < 0).any())


def criteria(run: Run) -> list[Criterion]:
    """All scores of reduce/scores.h5, and what follows from them: hcdg, hrcg, and minima over several contrasts."""
    found: list[Criterion] = []
    contrasts: dict[tuple[str, str], dict[str, np.ndarray]] = {}
    for path, data in run.scores.items():
        match str(path).split("/"):
            case ["ses", name, "frequency"]:
                found.append(Criterion(f"ses-{name}", "ses", data.values, "ses", name))
            case ["ses", name, "usage"]:
                found.append(Criterion(f"usage-{name}", "usage", data.values, "usage", name))
            case ["esft", name, kind]:
                found.append(Criterion(f"esft_{kind}-{name}", "esft", data.values, f"esft_{kind}", name))
            case ["contrast", criterion, groups, "score"]:
                found.append(Criterion(f"{criterion}-{groups}", "contrast", data.values, criterion, groups))
                first, _, second = groups.partition("-vs-")
                contrasts.setdefault((criterion, first), {})[second] = data.values
    names = _forbidden(run)
    found += _groups(names, {c.name: c.values for c in found})
    for (criterion, first), others in contrasts.items():
        benign = {second: values for second, values in others.items() if second not in names}
        if len(benign) > 1 and not any("-and-" in second for second in benign):  # else the program has the minimum
            groups = f"{first}-vs-{'-and-'.join(benign)}"
            least = np.minimum.reduce(list(benign.values()))
            found.append(Criterion(f"min-{criterion}-{first}", "combined", least, criterion, groups))
    order = list(KINDS)
    return sorted(found, key=lambda c: (order.index(c.kind), c.name))


def _forbidden(run: Run) -> list[str]:
    """The regular and the jailbreak set of the study: ses.regular and ses.jailbreak, or sets of these names."""
    return [_key(run.config, name) or name for name in ("regular", "jailbreak")]


def _groups(names: list[str], scores: dict[str, np.ndarray]) -> list[Criterion]:
    if any(f"ses-{name}" not in scores for name in names):
        return []
    regular, jailbreak = (scores[f"ses-{name}"] for name in names)
    return [
        Criterion("hcdg", "group", np.minimum(regular, jailbreak), "hcdg", "-and-".join(names)),
        Criterion("hrcg", "group", regular - jailbreak, "hrcg", "-minus-".join(names)),
    ]


def _key(config: dict, name: str) -> str | None:
    value = config.get("ses", {}).get(name)
    return value if isinstance(value, str) and value else None
