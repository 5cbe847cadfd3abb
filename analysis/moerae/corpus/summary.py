"""What a corpus holds and what was left out of it, in words."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from moerae.corpus.gather import Account
from moerae.files.corpus import SPLITS, Prompt, split_of

SHOWN_ROWS = 10


def print_summary(out: Path, dropped: Path, prompts: list[Prompt], account: Account, notes: list[str]) -> None:
    print(f"{out}: {len(prompts)} prompts, {sum(len(p.tokens) for p in prompts)} tokens")
    print(f"  {'set':<20}{'prompts':>9}{'clusters':>9}{'replies':>9}" + "".join(f"{split:>12}" for split in SPLITS))
    for name in dict.fromkeys(p.set for p in prompts):
        members = [p for p in prompts if p.set == name]
        splits = Counter(split_of(p.cluster) for p in members)
        replies = sum(p.response is not None for p in members)
        counts = f"{len(members):>9}{len({p.cluster for p in members}):>9}{replies:>9}"
        print(f"  {name:<20}{counts}" + "".join(f"{splits[i]:>12}" for i in range(len(SPLITS))))
    for note in [*notes, *account.files]:
        print(f"  note: {note}")
    for text, number in account.notes.items():
        print(f"  note: {text}: {number}")
    print(f"  dropped: {len(account.dropped)} rows" + (f", all named in {dropped}" if account.dropped else ""))
    groups: dict[tuple[str, str], list[int]] = {}
    for source, row, _, reason in account.dropped:
        groups.setdefault((source, reason), []).append(row)
    for (source, reason), numbers in groups.items():
        shown = ", ".join(map(str, numbers[:SHOWN_ROWS])) + (", ..." if len(numbers) > SHOWN_ROWS else "")
        print(f"    {source}: {reason}: {len(numbers)} (row {shown})")
