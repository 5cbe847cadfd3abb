"""Which column of a published prompt set means what: one table, chosen by the header of the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace

from moerae.corpus.rows import cell
from moerae.errors import ConfigError

OPENAI_FLAGS = ("S", "H", "V", "HR", "SH", "S3", "H2", "V2")


@dataclass(frozen=True)
class ColumnMap:
    """Names of columns; None = the set has no such column. A cell that is empty or absent is unknown."""

    name: str
    needs: tuple[str, ...]  # the header by which the set is recognised
    prompt: str
    context: str | None = None  # text the prompt refers to; it goes before the prompt
    label: str | None = None
    topic: str | None = None
    domain: str | None = None
    wrapper: str | None = None
    response: str | None = None  # what a model replied
    target: str | None = None  # a reply to teacher-force
    cluster: str | None = None  # same value, same goal
    pair: str | None = None  # same value in two sets, a pair
    id: str | None = None
    constant: Mapping[str, str] = field(default_factory=dict)  # fields that hold for every row of the set
    scope: str = ""  # clusters and pairs are joined across files within one scope
    derive: Callable[[Mapping], dict[str, str | None]] | None = None  # fields that no single column holds


# fields a user may map with --columns
FIELDS = tuple(f.name for f in fields(ColumnMap) if f.name not in ("name", "needs", "constant", "scope", "derive"))
TEXTS = ("prompt", "context", "response", "target")  # never shown in messages


def openai_flags(row: Mapping) -> dict[str, str | None]:
    """Flagged categories as topic. A missing flag is unknown, so `safe` needs all eight."""
    values = {flag: row.get(flag) for flag in OPENAI_FLAGS}
    flagged = [flag for flag, value in values.items() if str(value) in ("1", "1.0", "True", "true")]
    if flagged:
        return {"label": "unsafe", "topic": "+".join(flagged)}
    known = all(value not in (None, "") for value in values.values())
    return {"label": "safe", "topic": "none"} if known else {"label": None, "topic": None}


HARMFUL = {"label": "harmful"}
KNOWN = (
    ColumnMap(
        "HarmBench",
        ("Behavior", "FunctionalCategory", "SemanticCategory", "ContextString", "BehaviorID"),
        prompt="Behavior",
        context="ContextString",
        topic="SemanticCategory",
        id="BehaviorID",
        constant=HARMFUL,
    ),
    ColumnMap("AdvBench", ("goal", "target"), prompt="goal", target="target", constant=HARMFUL),
    ColumnMap(
        "XSTest", ("id", "prompt", "type", "label", "focus"), prompt="prompt", label="label", topic="type", id="id"
    ),
    ColumnMap(
        "XSTest completions",
        ("id", "type", "prompt", "completion", "final_label"),
        prompt="prompt",
        response="completion",
        label="final_label",
        topic="type",
        id="id",
    ),
    ColumnMap(
        "StrongREJECT",
        ("category", "source", "forbidden_prompt"),
        prompt="forbidden_prompt",
        topic="category",
        constant=HARMFUL,
    ),
    # harmful and benign files have one header: the set a user puts them in says which; Index pairs them
    ColumnMap(
        "JailbreakBench",
        ("Index", "Goal", "Target", "Behavior", "Category", "Source"),
        prompt="Goal",
        target="Target",
        topic="Category",
        cluster="Index",
        pair="Index",
        scope="JailbreakBench ",
    ),
    ColumnMap(
        "WildGuardMix",
        ("prompt", "adversarial", "prompt_harm_label", "subcategory"),
        prompt="prompt",
        response="response",
        label="prompt_harm_label",
        topic="subcategory",
        wrapper="adversarial",
    ),
    ColumnMap(
        "Aegis 2.0",
        ("id", "prompt", "prompt_label", "violated_categories"),
        prompt="prompt",
        response="response",
        label="prompt_label",
        topic="violated_categories",
        id="id",
    ),
    *(ColumnMap("OpenAI moderation", ("prompt", flag), prompt="prompt", derive=openai_flags) for flag in OPENAI_FLAGS),
    ColumnMap(
        "SimpleSafetyTests",
        ("id", "prompt", "harm_area", "category"),
        prompt="prompt",
        topic="harm_area",
        id="id",
        constant={"label": "unsafe"},
    ),
    ColumnMap("OR-Bench", ("prompt", "category"), prompt="prompt", topic="category"),
)


def detect(header: set[str]) -> ColumnMap | None:
    """The known set whose distinguishing columns are all there; of several the one that names most."""
    fitting = [known for known in KNOWN if header.issuperset(known.needs)]
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


def resolve(header: set[str], given: Mapping[str, str], where: str) -> ColumnMap:
    """The known map with the user's columns in place of its own, or the user's alone."""
    missing = sorted(set(given.values()) - header)
    if missing:
        raise ConfigError(f"{where}: no column {', '.join(missing)}; the file has {', '.join(sorted(header))}")
    known = detect(header)
    if known is None:
        if "prompt" not in given:
            sets = ", ".join(dict.fromkeys(k.name for k in KNOWN))
            raise ConfigError(
                f"{where}: columns {', '.join(sorted(header))} are those of no known prompt set ({sets}); say which "
                "column holds the text, for example --columns prompt=COLUMN,label=COLUMN"
            )
        return ColumnMap("user", (), **given)
    kept = {key: value for key, value in known.constant.items() if key not in given}
    scope = "" if {"cluster", "pair"} & set(given) else known.scope
    return replace(known, **given, constant=kept, scope=scope)


def value_of(columns: ColumnMap, name: str, cells: Mapping) -> str | None:
    """Value of a field: of its column, else what holds for the whole set, else what follows from several columns."""
    column = getattr(columns, name)
    if column is not None:
        return cell(cells.get(column))
    return columns.constant.get(name) or (columns.derive(cells).get(name) if columns.derive else None)
