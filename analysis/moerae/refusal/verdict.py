"""What a masked set and its controls allow to be said, in one word and one sentence."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

LEVEL = 0.05
REDUNDANT = 2 / 3  # of the drop is reached by random sets of the size
MOSTLY = 0.5


@dataclass(frozen=True)
class Verdict:
    word: str  # effect | no effect | damage | distributed and redundant | not decided
    why: str


def verdict(row: pd.Series) -> Verdict:
    """Of one line of summary.csv: a condition on one prompt set. Checked in this order."""
    if not row["drop_low"] > 0:
        return Verdict("no effect", "the interval of the drop reaches 0")
    lost = row["lost_complied"] + row["lost_broken"] + row["lost_other"]
    if row["lost_broken"] > MOSTLY * lost:
        return Verdict("damage", "most of the lost refusals became broken text, which is no answer")
    if not row["controls"] > 0:
        return Verdict("not decided", "no matched controls were masked, so any experts might do the same")
    if row["control_drop"] >= REDUNDANT * row["drop"]:
        return Verdict("distributed and redundant", "random sets of the size do nearly as well")
    if row["p"] > LEVEL:
        most = f"{row['controls']:.0f} controls can give no p below {1 / (row['controls'] + 1):.3f}"
        return Verdict("not decided", f"p = {row['p']:.3f} among the controls; {most}")
    return Verdict("effect", f"the drop stands out among {row['controls']:.0f} matched random sets, p = {row['p']:.3f}")
