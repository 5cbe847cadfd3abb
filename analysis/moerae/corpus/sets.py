"""The published prompt sets: what their columns mean. A set is known by all of its columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields

from moerae.corpus.table import TEXT


@dataclass(frozen=True)
class ColumnMap:
    """Names of columns; None = the set has no such column. A cell that is empty or absent is unknown."""

    name: str
    needs: tuple[str, ...]  # columns that the set always has
    prompt: str
    may: tuple[str, ...] = ()  # columns that it may have, beside those that are named below
    otherwise: str | None = None  # the prompt of rows where `prompt` is empty
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

    @property
    def used(self) -> dict[str, str]:
        """Field -> column."""
        return {name: getattr(self, name) for name in COLUMN_FIELDS if getattr(self, name) is not None}

    @property
    def columns(self) -> set[str]:
        """All that the set may have."""
        return {*self.needs, *self.may, *self.used.values()}


NO_COLUMNS = ("name", "needs", "may", "constant", "scope", "derive")
COLUMN_FIELDS = tuple(f.name for f in fields(ColumnMap) if f.name not in NO_COLUMNS)
FIELDS = tuple(name for name in COLUMN_FIELDS if name != "otherwise")  # those that a user may map with --columns
INDEX = re.compile(r"Unnamed: \d+|__index_level_\d+__")  # the row's number, as pandas leaves it in files

OPENAI_FLAGS = ("S", "H", "V", "HR", "SH", "S3", "H2", "V2")
ANSWERERS = ("GPT4", "ChatGPT", "Claude", "ChatGLM2", "llama2-7b-chat", "vicuna-7b")
CASE_ID, CASE = "BehaviorID", "test_case"  # columns made of {id: [prompts]}
HARMFUL = {"label": "harmful"}


def openai_flags(row: Mapping) -> dict[str, str | None]:
    """Flagged categories as topic. A missing flag is unknown, so `safe` needs all eight."""
    values = {flag: row.get(flag) for flag in OPENAI_FLAGS}
    flagged = [flag for flag, value in values.items() if str(value) in ("1", "1.0", "True", "true")]
    if flagged:
        return {"label": "unsafe", "topic": "+".join(flagged)}
    known = all(value not in (None, "") for value in values.values())
    return {"label": "safe", "topic": "none"} if known else {"label": None, "topic": None}


def is_safe(row: Mapping) -> dict[str, str | None]:
    """Of the answer, not of the question."""
    labels = {"true": "safe", "1": "safe", "false": "unsafe", "0": "unsafe"}
    return {"label": labels.get(str(row.get("is_safe")).lower())}


def data_type(row: Mapping) -> dict[str, str | None]:
    """`vanilla_harmful`, `adversarial_benign`: who wrapped it, and the label."""
    wrapper, _, label = str(row.get("data_type") or "").partition("_")
    return {"wrapper": wrapper or None, "label": label or None}


KNOWN = (
    ColumnMap(
        "HarmBench",
        ("Behavior", "FunctionalCategory", "SemanticCategory", "ContextString", "BehaviorID"),
        prompt="Behavior",
        may=("Tags",),
        context="ContextString",
        topic="SemanticCategory",
        cluster="BehaviorID",
        id="BehaviorID",
        scope="HarmBench BehaviorID",
        constant=HARMFUL,
    ),
    ColumnMap(
        "prompts by id (HarmBench test cases)",
        (CASE_ID, CASE),
        prompt=CASE,
        cluster=CASE_ID,
        scope="HarmBench BehaviorID",
    ),
    ColumnMap(
        "HarmBench completions",
        (CASE_ID, CASE, "generation"),
        prompt=CASE,
        may=("label", "advbench_label"),
        response="generation",
        cluster=CASE_ID,
        scope="HarmBench BehaviorID",
        constant=HARMFUL,
    ),
    ColumnMap("AdvBench", ("goal", "target"), prompt="goal", target="target", constant=HARMFUL),
    ColumnMap("AdvBench", ("prompt", "target"), prompt="prompt", target="target", constant=HARMFUL),
    ColumnMap(
        "XSTest",
        ("prompt", "type", "label", "focus"),
        prompt="prompt",
        may=("note", "id_v1", "id_v2"),
        label="label",
        topic="type",
        id="id",
    ),
    ColumnMap(
        "XSTest completions",
        ("id", "type", "prompt", "completion", "final_label"),
        prompt="prompt",
        may=("annotation_1", "annotation_2", "agreement"),
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
        scope="JailbreakBench Index",
    ),
    ColumnMap(
        "JailbreakBench artifacts",
        ("index", "goal", "behavior", "category", "prompt", "response", "jailbroken"),
        prompt="prompt",
        may=("number_of_queries", "queries_to_jailbreak", "prompt_tokens", "response_tokens"),
        response="response",
        topic="category",
        cluster="index",
        scope="JailbreakBench Index",
        constant=HARMFUL,
    ),
    ColumnMap(
        "WildGuardMix",
        ("prompt", "adversarial", "prompt_harm_label", "subcategory"),
        prompt="prompt",
        may=(
            "response_refusal_label",
            "response_harm_label",
            "prompt_harm_agreement",
            "response_refusal_agreement",
            "response_harm_agreement",
        ),
        response="response",
        label="prompt_harm_label",
        topic="subcategory",
        wrapper="adversarial",
    ),
    ColumnMap(
        "WildJailbreak",
        ("vanilla", "adversarial", "completion", "data_type"),
        prompt="adversarial",
        otherwise="vanilla",
        response="completion",
        cluster="vanilla",
        scope="WildJailbreak vanilla",
        derive=data_type,
    ),
    ColumnMap(
        "WildJailbreak evaluation", ("adversarial", "label", "data_type"), prompt="adversarial", derive=data_type
    ),
    ColumnMap(
        "Aegis 2.0",
        ("id", "prompt", "prompt_label", "violated_categories"),
        prompt="prompt",
        may=("reconstruction_id_if_redacted", "response_label", "prompt_label_source", "response_label_source"),
        response="response",
        label="prompt_label",
        topic="violated_categories",
        id="id",
    ),
    *(
        ColumnMap("OpenAI moderation", ("prompt", flag), prompt="prompt", may=OPENAI_FLAGS, derive=openai_flags)
        for flag in OPENAI_FLAGS
    ),
    ColumnMap(
        "SimpleSafetyTests",
        ("id", "prompt", "harm_area", "category"),
        prompt="prompt",
        may=("counter",),
        topic="harm_area",
        id="id",
        constant={"label": "unsafe"},
    ),
    ColumnMap("OR-Bench", ("prompt", "category"), prompt="prompt", topic="category"),
    ColumnMap(
        "BeaverTails",
        ("prompt", "response", "category", "is_safe"),
        prompt="prompt",
        response="response",
        topic="category",
        derive=is_safe,
    ),
    ColumnMap("BeaverTails evaluation", ("prompt", "category", "category_id"), prompt="prompt", topic="category"),
    ColumnMap(
        "SORRY-Bench",
        ("question_id", "category", "turns"),
        prompt="turns",
        topic="category",
        wrapper="prompt_style",
        cluster="question_id",
        scope="SORRY-Bench question_id",
        constant={"label": "unsafe"},
    ),
    ColumnMap(
        "Do-Not-Answer",
        ("risk_area", "types_of_harm", "specific_harms", "question"),
        prompt="question",
        may=tuple(f"{model}_{what}" for model in ANSWERERS for what in ("response", "harmful", "action")),
        topic="types_of_harm",
        domain="risk_area",
        id="id",
        constant=HARMFUL,
    ),
    ColumnMap(
        "AIR-Bench",
        ("cate-idx", "l2-name", "l3-name", "l4-name", "prompt"),
        prompt="prompt",
        topic="l3-name",
        domain="l2-name",
        constant=HARMFUL,
    ),
    ColumnMap("prompts alone (MaliciousInstruct, HEx-PHI)", (TEXT,), prompt=TEXT),
    ColumnMap("conversations", ("messages",), prompt="messages"),
    ColumnMap("conversations", ("conversations",), prompt="conversations"),
)
PROMPT_COLUMNS = {known.prompt for known in KNOWN} | {"text", "question", "instruction"}
