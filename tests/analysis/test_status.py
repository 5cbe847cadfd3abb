"""`moerae status` of a run: what it counts, stops and failures, exit codes, its forms. Of sweeps: test_sweep.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import support
from support import COMPLETE, CONFIG, OTHER, RESUMABLE, ROOT, call, status


def test_status_tells_of_stops_and_failures(tmp_path: Path) -> None:
    study = str(ROOT / "jobs/planted.ini")
    folder = tmp_path / "run"
    words = ["--run.dir", str(folder), "--record.shard_prompts", "64"]
    assert call("record", study, *words, "--run.wall_limit", "1e-9").code == RESUMABLE
    code, rows = status(folder)
    assert code == RESUMABLE and rows["run", "record"]["state"] == "stopped"
    shard = folder / "record/shard-000000.h5"
    assert call("record", study, *words).code == COMPLETE
    assert status(folder)[0] == COMPLETE
    shard.write_bytes(shard.read_bytes()[:-1])
    assert call("record", study, *words).code == support.DATA
    code, rows = status(folder)
    assert code == OTHER and rows["run", "record"]["state"] == "failed"
    assert "shard-000000.h5" in rows["run", "record"]["error"]
    table = call("status", str(folder))
    assert "39/40 files" in table.out and "0 of 1 complete" in table.out
    shard.unlink()
    assert call("record", study, *words).code == COMPLETE
    (row,) = json.loads(call("status", str(folder), "--json").out)
    assert (row["state"], row["done"], row["total"], row["error"]) == ("complete", 40, 40, "")
    again = call("status", str(folder), str(folder), "--watch=1")  # ends, for all is complete
    assert again.code == COMPLETE and "2 of 2 complete" in again.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing is named"),
        (["no-such-run"], "neither a run in which a stage was begun"),
        (["--jsn"], "knows --json"),
        (["--watch=no", "x"], "expected seconds"),
    ],
)
def test_status_refuses(words: list[str], message: str) -> None:
    done = call("status", *words)
    assert done.code == CONFIG and message in done.err
