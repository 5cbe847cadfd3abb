"""reduce/sets/NAME.json: experts, best first, and where they come from."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from moerae.errors import DataError

SCHEMA = "moerae.expert_set/1"


def read_expert_set(path: Path) -> pd.DataFrame:
    """layer, expert, score, frequency (where it exists), best first; `attrs` hold criterion, model, provenance and,
    where they were written, evidence and controls."""
    try:
        data = json.loads(path.read_text())
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']!r}, expected {SCHEMA!r}")
        frame = pd.DataFrame(data["experts"], columns=["layer", "expert", "score", "frequency"])
    except FileNotFoundError:
        known = sorted(other.stem for other in path.parent.glob("*.json"))
        raise DataError(f"{path}: no such set; there are {', '.join(known) or 'none'}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not an expert set ({error}); remove it and repeat `moerae reduce`") from None
    frame.attrs = {key: data.get(key) for key in ("name", "criterion", "model", "provenance")}
    frame.attrs |= {"evidence": data.get("evidence", {}), "controls": data.get("controls", [])}
    return frame if frame["frequency"].notna().any() else frame.drop(columns="frequency")
