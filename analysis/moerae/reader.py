"""Runs in Python: `open_run(RUN)` gives usage and routing as xarray, the corpus and expert sets as pandas.

    run = open_run("runs/demo")
    run.usage["count"].sel({"class": "prompt"}).groupby("set").sum()      # [set, layer, expert]
    run.scores["ses/regular/frequency"].sel(layer=3)                      # [expert]
    run.expert_set("hcdg")                                                # DataFrame, best first

Files that are missing, damaged or of another study are DataErrors that name the file.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from moerae import agreement, topic_behaviour
from moerae.criteria import criteria
from moerae.errors import ConfigError, DataError
from moerae.files import manifest
from moerae.files.attributions import read_attributions
from moerae.files.corpus import read_corpus, read_tokens
from moerae.files.expert_set import read_expert_set
from moerae.files.replies import Condition, conditions, read_summary
from moerae.files.scores import read_facts, read_paths, read_replication, read_scores, read_study, read_topic_counts
from moerae.files.shard import read_last_logits, read_routing, read_usage
from moerae.files.stage import read_stage

DEFAULT_COUNT = 12  # of contrast.count


def open_run(
    directory: str | Path,
    record: str | None = None,
    reduce: str | None = None,
    attribute: str | None = None,
    verify: bool = False,
) -> Run:
    """Opens a run directory. `record`, `reduce` and `attribute` name a folder where there are several (changed stages
    stand beside the first under their hash). With `verify` every listed file is compared with its hash first."""
    path = Path(directory)
    if not path.is_dir():
        raise DataError(f"{path}: no such run directory")
    stages = {"record": record, "reduce": reduce, "attribute": attribute}
    run = Run(path, **{stage: _folder(path, stage, wanted) for stage, wanted in stages.items()})
    if verify:
        for entry in run.manifest.values():
            manifest.check(path, entry)
    return run


def _folder(run: Path, stage: str, wanted: str | None) -> Path | None:
    found = sorted(p for p in run.glob(f"{stage}*") if p.is_dir() and p.name.split("-")[0] == stage)
    if wanted is not None and run / wanted not in found:
        raise ConfigError(f"{run}: no folder {wanted!r}; there are {', '.join(p.name for p in found) or 'none'}")
    if wanted is None and len(found) > 1:
        names = ", ".join(p.name for p in found)
        raise ConfigError(f"{run}: several results of stage {stage} ({names}); say which with {stage}=...")
    return run / wanted if wanted is not None else next(iter(found), None)


class Run:
    """One run directory, read when asked. P prompts, 3 classes of positions, L MoE layers, K experts, k selected."""

    def __init__(self, path: Path, record: Path | None, reduce: Path | None, attribute: Path | None = None) -> None:
        self.path, self.record, self.reduce, self.attribute = path, record, reduce, attribute
        self.manifest = manifest.read(path)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, {len(self.shards)} shards)"

    @property
    def corpus_file(self) -> Path:
        """Of this run, or, where `reduce` read the record of another (run.from), of that one."""
        own = self.path / "corpus.h5"
        if own.exists() or self.reduce is None:
            return own
        source = self.config.get("run", {}).get("from", "")
        return Path(source) / "corpus.h5" if source else own

    @cached_property
    def config(self) -> dict:
        """The study of the scores, {section: {key: value}}; empty where a maker of scores wrote none."""
        return read_study(self._reduced("scores.h5"))

    @cached_property
    def corpus(self) -> pd.DataFrame:
        """Prompts by id, see read_corpus."""
        return read_corpus(self.corpus_file)

    def tokens(self, prompt_id: int) -> np.ndarray:
        """Token ids uint32 [T] of one prompt; imported traces have none."""
        row = self.corpus.index.get_loc(prompt_id)
        return read_tokens(self.corpus_file, slice(row, row + 1))[0]

    @property
    def shards(self) -> list[Path]:
        """Published shards of the record, by number."""
        if self.record is None:
            raise DataError(f"{self.path}: no record; run `moerae record` or `python -m moerae import` first")
        prefix = f"{self.record.name}/shard-"
        return [self.path / path for path in sorted(self.manifest) if path.startswith(prefix)]

    @cached_property
    def usage(self) -> xr.Dataset:
        """All of it; `load_usage` takes a part."""
        return self.load_usage()

    def load_usage(self, sets: list[str] | None = None, partial: bool = False) -> xr.Dataset:
        """count and gate_mass (sum of applied weights) [prompt, class, layer, expert], tokens [prompt, class]; labels
        of the corpus are coordinates of `prompt`, NaN where unknown. DataError where a prompt of a recorded set has no
        row, unless `partial`."""
        parts = [read_usage(path, self.corpus, sets) for path in self.shards]
        if not parts:
            raise DataError(f"{self.record}: no finished shard; repeat `moerae record`")
        axes = parts[0].layer.values.tolist(), parts[0].sizes["expert"]
        for part, path in zip(parts, self.shards, strict=True):
            if (part.layer.values.tolist(), part.sizes["expert"]) != axes:
                raise DataError(f"{path}: other layers or experts than {self.shards[0].name}; two runs were mixed")
        whole = xr.concat(parts, "prompt", join="exact").sortby("prompt")
        ids = pd.Index(whole.prompt.values)
        if not ids.is_unique:
            raise DataError(
                f"{self.record}: prompt {ids[ids.duplicated()][0]} stands in two shards, it would count twice; "
                "remove one of them and repeat `moerae record`"
            )
        recorded = self.corpus[self.corpus["set"].isin(sets or self._recorded_sets())]
        missing = recorded.index.difference(ids)
        if len(missing) and not partial:
            raise DataError(
                f"{self.record}: {len(missing)} prompts of recorded sets have no shard (first: {missing[0]}); numbers "
                "over the rest would be of other sets; repeat `moerae record`, which completes it"
            )
        columns = self.corpus.loc[ids]
        return whole.assign_coords({n: ("prompt", columns[n].to_numpy()) for n in columns if n != "tokens"})

    def _recorded_sets(self) -> list[str]:
        sets = read_stage(self.record / "stage.json")["inputs"].get("corpus.sets")
        if not sets:  # no key, nothing named: all of the corpus
            return list(self.corpus["set"].unique())
        return [sets] if isinstance(sets, str) else sets

    @cached_property
    def attributions(self) -> xr.Dataset:
        """What `moerae attribute` found: margin [prompt] in nats, by criterion what masking each expert takes off it
        [prompt, layer, expert]; labels of the corpus are coordinates of `prompt`. DataError where there is nothing."""
        if self.attribute is None:
            raise DataError(f"{self.path}: no attributions; run `moerae attribute` first")
        prefix = f"{self.attribute.name}/shard-"
        parts = [read_attributions(self.path / path) for path in sorted(self.manifest) if path.startswith(prefix)]
        units = read_stage(self.attribute / "stage.json")["units"]
        if len(parts) < units:
            missing = f"{units - len(parts)} of {units} files are missing"
            raise DataError(f"{self.attribute}: {missing}; repeat `moerae attribute`, which completes it")
        whole = xr.concat(parts, "prompt", join="exact").sortby("prompt")
        columns = self.corpus.loc[whole.prompt.values]
        return whole.assign_coords({n: ("prompt", columns[n].to_numpy()) for n in columns if n != "tokens"})

    def last_logits(self) -> xr.DataArray:
        """Of all shards, see read_last_logits."""
        return xr.concat([read_last_logits(path) for path in self.shards], "prompt")

    def routing(self, shard: int | Path) -> xr.Dataset:
        """Of one shard, see read_routing."""
        return read_routing(shard if isinstance(shard, Path) else self.shards[shard], self.corpus)

    @cached_property
    def scores(self) -> xr.Dataset:
        """Every score [layer, expert] of reduce/scores.h5 under its path there, such as `ses/regular/frequency`,
        `contrast/paired_t/regular-vs-permitted/score`, `.../p_adjusted` and `.../q`; attrs as stored."""
        return read_scores(self._reduced("scores.h5"))

    @cached_property
    def facts(self) -> dict[str, object]:
        """What made the scores: model_id, version, git_commit, created_utc, seed, ..."""
        return read_facts(self._reduced("scores.h5"))

    def contrast(self, criterion: str, groups: str) -> xr.Dataset:
        """score, and where it was tested p_adjusted and q, [layer, expert]; attrs: what the test was. `groups` is
        `a-vs-b` or `a:b`; several benign sets: `a:b/c`."""
        prefix = f"contrast/{criterion}/{groups.replace(':', '-vs-').replace('/', '-and-').replace('@', '.')}/"
        found = {str(path): path.removeprefix(prefix) for path in self.scores if str(path).startswith(prefix)}
        if not found:
            known = sorted({"/".join(str(path).split("/")[1:3]) for path in self.scores if "contrast/" in str(path)})
            raise ConfigError(f"{self.reduce}: no contrast {prefix[9:-1]}; there are {', '.join(known) or 'none'}")
        part = self.scores[list(found)].rename(found)
        return part.assign_attrs(part["score"].attrs)

    @cached_property
    def paths(self) -> dict[str, xr.DataArray]:
        """Stability paths by set: selection frequency [size, layer, expert], size = experts selected per layer."""
        return read_paths(self._reduced("scores.h5"))

    @cached_property
    def topic_behaviour(self) -> dict[str, xr.Dataset]:
        """By comparison: JS in nats and top-k overlap [row, layer], attrs["summary"] as DataFrame; empty where not
        computed. See topic_behaviour.py."""
        layers = self.scores["layer"].values
        counts = read_topic_counts(self._reduced("scores.h5"))
        return {name: topic_behaviour.table(of, layers) for name, of in counts.items()}

    @cached_property
    def agreement(self) -> dict[str, pd.DataFrame]:
        """`spearman` between the scores of all criteria, `jaccard` of the contrast.count best of each, `sets`: Jaccard
        between expert sets; see agreement.py."""
        compared = {c.name: c.values for c in criteria(self) if c.kind in agreement.COMPARED}
        size = int(self.config.get("contrast", {}).get("count", DEFAULT_COUNT))
        sets = {name: self.expert_set(name) for name in self.expert_sets}
        return agreement.of_scores(compared, size) | agreement.of_sets(sets)

    @cached_property
    def replication(self) -> pd.DataFrame:
        """One line per contrast: agreement of its scores between halves of the clusters; empty where not computed."""
        return read_replication(self._reduced("scores.h5"))

    @cached_property
    def conditions(self) -> dict[str, Condition]:
        """What `moerae evaluate` answered, by folder (`evaluate/none`): `.about` says what was done, `.replies` has the
        token ids by prompt."""
        return {found.folder.relative_to(self.path).as_posix(): found for found in conditions(self.path)}

    @cached_property
    def refusal(self) -> pd.DataFrame:
        """The judged replies: a line per condition, control and prompt set; columns: see refusal/summary.py. DataError
        where nothing was judged."""
        found = sorted(self.path.glob("evaluate*/summary.csv"))
        if not found:
            raise DataError(f"{self.path}: no judged replies; run `moerae evaluate` and `python -m moerae judge` first")
        return pd.concat([read_summary(path) for path in found], ignore_index=True)

    @property
    def expert_sets(self) -> list[str]:
        return sorted(path.stem for path in self._reduced("sets").glob("*.json"))

    def expert_set(self, name: str) -> pd.DataFrame:
        """The experts, best first, see read_expert_set."""
        return read_expert_set(self._reduced("sets") / f"{name}.json")

    def _reduced(self, name: str) -> Path:
        if self.reduce is None:
            raise DataError(f"{self.path}: no scores; run `moerae reduce` first")
        return self.reduce / name
