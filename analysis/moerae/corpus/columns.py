"""Which column of a file means what: the known set that has all of its columns, or what the user says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from moerae.corpus.labels import label_of
from moerae.corpus.names import shown
from moerae.corpus.sets import FIELDS, INDEX, KNOWN, ColumnMap
from moerae.errors import ConfigError

TEXTS = ("prompt", "context", "response", "target")  # never shown in messages
ASKED = "say which column holds what, for example --columns prompt=COLUMN,label=COLUMN"


def detect(header: set[str]) -> ColumnMap | None:
    """The known set that has all of these columns; of several the one that needs most of them."""
    named = {name for name in header if not INDEX.fullmatch(name)}
    fitting = [known for known in KNOWN if named.issuperset(known.needs) and named <= known.columns]
    return max(fitting, key=lambda known: len(known.needs), default=None)


def parse_user_map(text: str) -> tuple[str | None, dict[str, str]]:
    """`[SET:]FIELD=COLUMN,...` -> (set or None for all, {field: column})."""
    name, _, body = text.partition(":") if ":" in text.split("=")[0] else (None, "", text)
    given: dict[str, str] = {}
    for part in body.split(","):
        key, equals, column = part.partition("=")
        if not equals or key not in FIELDS or not column:
            raise ConfigError(f"--columns {text}: {part!r} is not FIELD=COLUMN; fields are {', '.join(FIELDS)}")
        given[key] = column
    return name, given


def resolve(
    header: set[str], given: Mapping[str, str], where: str, set_: str, asked: set[str] = frozenset()
) -> ColumnMap:
    """The known map with the user's columns in place of its own, or the user's alone. `asked`: columns that the user
    names otherwise, to filter by; like those that are given they may stand beside a known set's."""
    missing = sorted(set(given.values()) - header)
    if missing:
        raise ConfigError(f"{where}: no column {', '.join(missing)}; the file has {shown(header)}")
    known = detect(header) or detect(header - set(given.values())) or detect(header - set(given.values()) - asked)
    if known is None and "prompt" not in given:
        raise ConfigError(f"{where}: {_unknown(header, set_)}")
    if known is None:
        return ColumnMap("user", (), **given)
    kept = {key: value for key, value in known.constant.items() if key not in given}
    scope = "" if {"cluster", "pair"} & set(given) else known.scope
    otherwise = None if "prompt" in given else known.otherwise
    return replace(known, **given, otherwise=otherwise, constant=kept, scope=scope)


def unused(header: set[str], columns: ColumnMap, asked: set[str]) -> set[str]:
    """Columns of the file that no field is read from."""
    derived = set(columns.needs) | set(columns.may) if columns.derive else set()
    return {name for name in header - set(columns.used.values()) - asked - derived if not INDEX.fullmatch(name)}


def value_of(columns: ColumnMap, name: str, cells: Mapping) -> str | None:
    """Value of a field: of its column, else what holds for the whole set, else what follows from several columns."""
    column = getattr(columns, name)
    if column is not None:
        return label_of(cells.get(column))
    return columns.constant.get(name) or (columns.derive(cells).get(name) if columns.derive else None)


def _unknown(header: set[str], set_: str) -> str:
    """What is asked where no known set has all of these columns."""
    near = max((k for k in KNOWN if header.issuperset(k.needs)), key=lambda k: len(k.needs), default=None)
    if near is None:
        sets = ", ".join(dict.fromkeys(known.name for known in KNOWN))
        return (
            f"columns {shown(header)} are those of no known prompt set ({sets}); {ASKED}; "
            "a file without a header is read as .txt, a prompt a line"
        )
    as_near = ",".join(f"{name}={column}" for name, column in near.used.items() if name in FIELDS and column in header)
    return (
        f"its columns are {shown(header)}; {near.name} has no {shown(header - near.columns)}, so this may be another "
        f"set, whose replies and labels would be lost; {ASKED}; to read it as {near.name}: --columns {set_}:{as_near}"
    )
