"""What one suite is: variants x seeds x corpus sizes, and the keys of the reduction."""

from __future__ import annotations

import re
from dataclasses import dataclass

from moerae.errors import ConfigError
from moerae.files.corpus import split_of
from moerae.planted.clusters import CLUSTERS


@dataclass(frozen=True)
class Plan:
    variants: list[str]
    seeds: list[int]
    clusters: int  # of each corpus
    sizes: list[int]  # discovery clusters that are reduced; 0 all
    criteria: list[str]
    groups: list[str]
    keys: dict[str, str]  # further keys of the reduction

    @property
    def models(self) -> list[tuple[str, int]]:
        """Seed by seed: what is finished first can be compared over the variants, and is paired."""
        return [(variant, seed) for seed in self.seeds for variant in self.variants]

    def check(self) -> None:
        if self.clusters < CLUSTERS:
            raise ConfigError(
                f"--clusters {self.clusters}: the truth is measured on the first {CLUSTERS}, so at least as many "
                "are needed"
            )
        discovery = sum(split_of(cluster) == 0 for cluster in range(self.clusters))
        if max(self.sizes) > discovery:
            raise ConfigError(
                f"--sizes {max(self.sizes)}: {self.clusters} clusters have {discovery} in the discovery split, and a "
                "criterion reads no others; ask for fewer, or for more --clusters"
            )


def words(text: str, option: str, known: list[str] | None = None) -> list[str]:
    found = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in found if known is not None and word not in known]
    if not found or unknown or len(set(found)) < len(found):
        what = f"unknown {', '.join(unknown)}; known are {', '.join(known or [])}" if unknown else "empty or repeated"
        raise ConfigError(f"{option} {text!r}: {what}; give names with commas between them")
    return found


def numbers(text: str, option: str) -> list[int]:
    """ "1,3,10-12" -> [1, 3, 10, 11, 12]."""
    found: list[int] = []
    for word in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", word)
        if match is None or (match[2] and int(match[2]) < int(match[1])):
            raise ConfigError(f"{option} {text!r}: {word!r} is neither a number nor a range such as 10-19")
        found += range(int(match[1]), int(match[2] or match[1]) + 1)
    if len(set(found)) < len(found):
        raise ConfigError(f"{option} {text!r}: a number is given twice")
    return found


def pairs(texts: list[str], option: str) -> dict[str, str]:
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or "." not in key:
            raise ConfigError(f"{option} {text!r}: expected SECTION.NAME=VALUE, such as contrast.positions=response")
        found[key.strip()] = value.strip()
    return found
