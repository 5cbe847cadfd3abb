"""The report of a suite: means, intervals and paired differences over seeds, and what is missing."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from moerae.__main__ import main
from moerae.report.suite import ALL_VARIANTS, best, interval, read_suite, summary
from moerae.suite.score import COLUMNS, write
from scipy import stats

BEST, OTHER, CONSTANT = "paired_t a-vs-b", "js a-vs-b", "ses a"
SIZES, SEEDS, VARIANTS = (50, 0), (10, 11, 12, 13), ("base", "null")  # 0 all clusters


@pytest.fixture
def suite(tmp_path):
    """Seed 13 of `null` was rejected, seed 14 is not there yet. One score is constant: no rank correlation."""
    rng = np.random.default_rng(0)
    rows = []
    for variant in VARIANTS:
        for seed in SEEDS if variant == "base" else SEEDS[:3]:
            shared = rng.normal(0, 0.05)  # hard and easy seeds
            for size in SIZES:
                for name, level in ((BEST, 0.9), (OTHER, 0.85), (CONSTANT, 0.5)):
                    criterion, groups = name.split()
                    row = dict.fromkeys(COLUMNS, 0.5) | {"variant": variant, "seed": seed, "size": size, "n": 6}
                    row |= {"criterion": criterion, "groups": groups, "decoys_in_top_n": 1, "labels": "planted"}
                    row["auroc"] = 0.5 if name == CONSTANT else level + shared + rng.normal(0, 0.01)
                    row["spearman_margin"] = np.nan if name == CONSTANT else 0.5
                    rows.append(row)
    write(tmp_path / "suite.csv", rows)
    plan = {"variants": VARIANTS, "seeds": [*SEEDS, 14]}
    (tmp_path / "suite.json").write_text(json.dumps(plan))
    note = {"variant": "null", "seed": 13, "reason": "<masks> do something"}
    (tmp_path / "null-13.rejected.json").write_text(json.dumps(note))
    (tmp_path / "hard-2.rejected.json").write_text(json.dumps({"variant": "hard", "seed": 2, "reason": "of old"}))
    return tmp_path


def test_what_is_there_and_what_is_not(suite):
    read = read_suite(suite)
    assert read.variants == ["base", "null"] and read.sizes == [50, 0]
    assert [(r["variant"], r["seed"]) for r in read.rejected] == [("null", 13)]
    assert read.missing == ["base-14", "null-14"]


def test_differences_are_paired_by_seed(suite):
    read = read_suite(suite)
    assert best(read, None) == BEST and best(read, OTHER) == OTHER
    table = summary(read, BEST).set_index(["variant", "size", "name", "metric"])
    rows = read.rows[(read.rows["variant"] == "base") & (read.rows["size"] == 0)].pivot(
        index="seed", columns="name", values="auroc"
    )
    row = table.loc["base", 0, OTHER, "auroc"]
    expected = stats.ttest_rel(rows[OTHER], rows[BEST]).confidence_interval(0.95)
    assert row["difference"] == pytest.approx((rows[OTHER] - rows[BEST]).mean())
    assert (row["difference_low"], row["difference_high"]) == pytest.approx(tuple(expected))
    low, high = stats.t.interval(0.95, 3, rows[OTHER].mean(), stats.sem(rows[OTHER]))
    assert (row["mean"], row["low"], row["high"]) == pytest.approx((rows[OTHER].mean(), low, min(high, 1)))
    assert row["seeds"] == 4 and row["seeds_above"] == (rows[OTHER] > rows[BEST]).sum()
    assert row["difference_high"] - row["difference_low"] < 0.5 * (row["high"] - row["low"])  # that is why
    # over the variants only seeds that have them all, each counted once
    both = table.loc[ALL_VARIANTS, 0, BEST, "auroc"]
    of_best = read.rows[(read.rows["size"] == 0) & (read.rows["name"] == BEST) & (read.rows["seed"] < 13)]
    assert both["seeds"] == 3 and both["mean"] == pytest.approx(of_best.groupby("seed")["auroc"].mean().mean())
    constant = table.loc["base", 0, CONSTANT, "spearman_margin"]
    assert constant["seeds"] == 0 and np.isnan(constant["mean"])


def test_what_finds_correlates_is_not_the_best(suite):
    rows = pd.read_csv(suite / "suite.csv", keep_default_na=False)
    null = rows["variant"] == "null"
    rows.loc[null, "labels"] = "roles"
    rows.loc[null & (rows["criterion"] + " " + rows["groups"] == OTHER), "auroc"] = 1.0
    rows.loc[null & (rows["criterion"] + " " + rows["groups"] == BEST), "auroc"] = 0.5
    rows.to_csv(suite / "suite.csv", index=False)
    read = read_suite(suite)
    assert best(read, None) == BEST
    table = summary(read, BEST).set_index(["variant", "size", "name", "metric"])
    assert table.loc[ALL_VARIANTS, 0, OTHER, "auroc"]["mean"] == table.loc["base", 0, OTHER, "auroc"]["mean"]
    assert table.loc["null", 0, OTHER, "auroc"]["mean"] == 1
    assert main(["report", "--suite", str(suite), "--out", str(suite / "page")]) == 0
    assert (suite / "page/index.html").read_text().count("what finds them finds correlates") == 1


def test_interval_of_one_seed_is_unknown():
    assert interval(np.array([0.7]))[0] == 0.7 and np.isnan(interval(np.array([0.7]))[1:]).all()
    assert np.isnan(interval(np.array([np.nan]))).all()


def test_page_and_table(suite, tmp_path):
    out = tmp_path / "page"
    assert main(["report", "--suite", str(suite), "--out", str(out)]) == 0
    page = (out / "index.html").read_text()
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert "&lt;masks&gt; do something" in page and "of old" not in page and "base-14, null-14" in page
    assert f"{BEST} (highest mean AUROC" in page and "4 seeds (10, 11, 12, 13)" in page
    assert {path.name for path in (out / "figures").iterdir()} == {"suite-base.png", "suite-null.png"}
    table = pd.read_csv(out / "suite_summary.csv", keep_default_na=False)
    assert len(table) == 3 * len(SIZES) * 3 * 5  # variants and their mean, criteria, metrics
    assert "nan" not in page.lower().replace("rejected", "")


def test_refusals(suite, tmp_path, capsys):
    assert main(["report", "--suite", str(tmp_path / "none")]) == 3 and "moerae suite" in capsys.readouterr().err
    assert main(["report", "--suite", str(suite), "--reference", "js"]) == 2 and OTHER in capsys.readouterr().err
    assert main(["report"]) == 2 and main(["report", str(suite), "--suite", str(suite)]) == 2
    assert main(["report", "--suite", str(suite), "--reduce", "reduce"]) == 2
    rows = (suite / "suite.csv").read_text().splitlines()
    (suite / "suite.csv").write_text("\n".join([*rows, rows[-1]]))
    assert main(["report", "--suite", str(suite)]) == 3 and "twice" in capsys.readouterr().err
