"""Prompt files as they are published and as spreadsheets leave them: read, or refused for what they are."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import re
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard
from corpus_made import Corpus, corpus
from moerae.corpus.columns import detect
from moerae.corpus.rows import read_table
from moerae.corpus.sets import KNOWN
from pyarrow import parquet
from tokenizers_made import made

SECRET = "HIDDENFERN"
A, B, C = "Water the fern", "Which soil,\nplease?", 'Say "tea"; or | coffee'
ROWS = [{"prompt": text, "category": label} for text, label in ((A, "a"), (B, "b"), (C, "b"))]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)


def delimited(by: str = ",", index: bool = False, trailing: int = 0) -> str:
    text = io.StringIO(newline="")
    rows = [["prompt", "category"], *(list(row.values()) for row in ROWS)]
    numbers = [[""], *([str(i)] for i in range(len(ROWS)))] if index else [[]] * len(rows)
    empty = [""] * trailing
    csv.writer(text, delimiter=by).writerows([*number, *row, *empty] for number, row in zip(numbers, rows, strict=True))
    return text.getvalue()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return made(tmp_path_factory.mktemp("model"))


def table_parquet(rows: list[dict]) -> bytes:
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue().to_pybytes()


KINDS = {
    "a.csv": delimited().encode(),
    "bom.csv": delimited().encode("utf-8-sig"),
    "utf16.csv": delimited().encode("utf-16"),
    "utf16-no-mark.csv": delimited().encode("utf-16-le"),
    "utf16-big.csv": delimited().encode("utf-16-be"),
    "a.tsv": delimited("\t").encode(),
    "semicolons.csv": delimited(";").encode(),
    "bars.csv": delimited("|").encode(),
    "tabs.csv": delimited("\t").encode("utf-16"),
    "excel.csv": b"sep=;\r\n" + delimited(";").encode(),
    "trailing.csv": delimited(trailing=2).encode(),
    "index.csv": delimited(index=True).encode(),
    "a.csv.gz": gzip.compress(delimited().encode()),
    "a.jsonl": LINES.encode(),
    "a.jsonl.xz": lzma.compress(LINES.encode()),
    "a.jsonl.zst": zstandard.compress(LINES.encode()[:40]) + zstandard.compress(LINES.encode()[40:]),
    "a.ndjson.bz2": bz2.compress(LINES.encode()),
    "array.jsonl": json.dumps(ROWS, indent=1).encode(),
    "a.json": json.dumps(ROWS).encode(),
    "holder.json": json.dumps({"about": {"n": 3}, "rows": ROWS}).encode(),
    "lines.json": LINES.encode(),
    "columns.json": json.dumps({key: [row[key] for row in ROWS] for key in ROWS[0]}).encode(),
    "pandas.json": json.dumps({k: {str(i): row[k] for i, row in enumerate(ROWS)} for k in ROWS[0]}).encode(),
    "named.json": json.dumps({f"case {i}": row for i, row in enumerate(ROWS)}).encode(),
    "a.parquet": table_parquet(ROWS),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_holds_the_same_rows(tmp_path, name):
    (tmp_path / name).write_bytes(KINDS[name])
    table = read_table(tmp_path / name)
    assert [(row.cells["prompt"], row.cells["category"]) for row in table.rows] == [(A, "a"), (B, "b"), (C, "b")]
    assert detect(table.header).name == "OR-Bench"
    guesses = ("utf16", "semicolons", "bars", "tabs", "excel", "lines")
    assert bool(table.notes) == name.startswith(guesses)


TEXTS = {  # file: text, its prompts
    "list.json": (json.dumps([A, B]), [A, B]),
    "list.jsonl": (json.dumps(A) + "\n" + json.dumps(B), [A, B]),
    "cases.json": (json.dumps({"fern_1": [A, B], "tea_2": [C]}), [A, B, C]),
    "case.json": (json.dumps({"fern_1": A, "tea_2": B}), [A, B]),
    "prompts.json": (json.dumps({"prompts": [A, B]}), [A, B]),
    "lines.txt": ("\ufeffWater the fern\r\n\r\nTea, please\r\n", [A, "Tea, please"]),
    "no-header.csv": ('"Water the fern, please, at noon"\n"Tea"\n', ["Water the fern, please, at noon", "Tea"]),
}


@pytest.mark.parametrize("name", TEXTS)
def test_prompts_alone(model, tmp_path, name):
    text, prompts = TEXTS[name]
    (tmp_path / name).write_text(text, newline="")
    assert corpus(model, tmp_path / "c.h5", "--set", f"a={tmp_path / name}", "--keep-text") == 0
    made_ = Corpus(tmp_path / "c.h5")
    assert [text.decode() for text in made_["text"]] == prompts
    joined = len(set(made_["cluster"].tolist()))
    assert joined == (2 if name.startswith("case") else len(prompts))


HEADERS = {
    "BeaverTails": "prompt,response,category,is_safe",
    "BeaverTails evaluation": "prompt,category,category_id",
    "SORRY-Bench": "question_id,category,turns,prompt_style",
    "Do-Not-Answer": "id,risk_area,types_of_harm,specific_harms,question",
    "AIR-Bench": "cate-idx,l2-name,l3-name,l4-name,prompt",
    "WildJailbreak": "vanilla,adversarial,completion,data_type",
    "WildJailbreak evaluation": "adversarial,label,data_type",
    "JailbreakBench artifacts": "index,goal,behavior,category,prompt,response,number_of_queries,queries_to_jailbreak,"
    "prompt_tokens,response_tokens,jailbroken",
    "XSTest completions": "id,type,prompt,completion,annotation_1,annotation_2,agreement,final_label",
    "WildGuardMix": "prompt,adversarial,response,response_harm_label,response_refusal_label,prompt_harm_label,"
    "subcategory",
    "AdvBench": "prompt,target",
    "conversations": "messages",
}  # fmt: skip


def test_a_set_is_known_by_all_of_its_columns():
    assert {name: detect(set(header.split(","))).name for name, header in HEADERS.items()} == {n: n for n in HEADERS}
    for header in HEADERS.values():
        assert detect({*header.split(","), "verdict"}) is None
        assert detect({*header.split(","), "Unnamed: 0"}).name == detect(set(header.split(","))).name


def test_the_readme_has_every_known_set():
    text = (Path(__file__).parents[2] / "README.md").read_text()
    names = {word for known in KNOWN for word in re.findall(r"[A-Z][\w-]+", known.name)}
    assert len(names) > 15 and not [name for name in names if name not in text]


def read(model, tmp_path, name, data, *more):
    (tmp_path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    code = corpus(model, tmp_path / "c.h5", "--set", f"a={tmp_path / name}", "--keep-text", *more)
    return Corpus(tmp_path / "c.h5") if code == 0 else code


def jsonl(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_answers_to_one_prompt_keep_their_labels(model, tmp_path):
    flags = [{"pests": False, "tools": i == 1} for i in range(3)]
    rows = [{"prompt": A, "response": f"Answer {i}", "category": flags[i], "is_safe": i != 1} for i in range(3)]
    made_ = read(model, tmp_path, "a.jsonl", jsonl(*rows))
    assert made_["label"] == ["safe", "unsafe", "safe"] and made_["topic"] == ["none", "tools", "none"]
    assert (made_["response_offset"] < made_["offset"][1:]).all() and len(set(made_["cluster"])) == 1


def test_flags_that_a_table_wrote_out_are_flags(model, tmp_path, capsys):
    rows = [(A, "{'pests': False, 'tools': True}"), (B, '{"pests": false}'), (C, '{"pests": "many"}')]
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("prompt", "category"), *rows])
    made_ = read(model, tmp_path, "a.csv", text.getvalue())
    assert made_["topic"] == ["tools", "none", None]
    assert "topic is an object, not a label: left unknown: 1" in capsys.readouterr().out


def test_completions_belong_to_their_behaviour(model, tmp_path):
    both, one = ([{"test_case": text, "generation": "Peat"} for text in texts] for texts in ((A, C), (B,)))
    made_ = read(model, tmp_path, "a.json", json.dumps({"fern_1": both, "tea_2": one}))
    assert made_["cluster"][0] == made_["cluster"][1] != made_["cluster"][2]
    assert (made_["response_offset"] < made_["offset"][1:]).all()


def test_wrapped_prompts_belong_to_their_goal(model, tmp_path):
    header = "vanilla\tadversarial\tcompletion\tdata_type\n"
    rows = f"{A}\t\tPeat\tvanilla_benign\n{A}\tImagine tea\tPeat\tadversarial_benign\n{C[:3]}\t\tNo\tvanilla_harmful\n"
    made_ = read(model, tmp_path, "train.tsv", header + rows)
    assert [text.decode() for text in made_["text"]] == [A, "Imagine tea", "Say"]
    assert made_["label"] == ["benign", "benign", "harmful"] and made_["wrapper"] == [
        "vanilla",
        "adversarial",
        "vanilla",
    ]
    assert made_["cluster"][0] == made_["cluster"][1] != made_["cluster"][2]


def test_artefacts_join_the_behaviours_they_attack(model, tmp_path):
    keys = ("index", "goal", "behavior", "category", "prompt", "response", "jailbroken")
    jailbreaks = [
        dict(zip(keys, (i, "g", "b", "c", text, "No", False), strict=True)) for i, text in ((0, B), (1, None))
    ]
    (tmp_path / "pair.json").write_text(json.dumps({"parameters": {"model": "m"}, "jailbreaks": jailbreaks}))
    (tmp_path / "harmful.csv").write_text(f"Index,Goal,Target,Behavior,Category,Source\n0,{A},Sure,b,c,s\n")
    sets = ("--set", f"a={tmp_path / 'pair.json'}", "--set", f"b={tmp_path / 'harmful.csv'}")
    assert corpus(model, tmp_path / "c.h5", *sets) == 0
    made_ = Corpus(tmp_path / "c.h5")
    assert len(made_) == 2 and len(set(made_["cluster"])) == 1 and made_.dropped == [("pair.json", 2, "empty text")]


def test_conversations(model, tmp_path):
    user, said = {"role": "user", "content": A}, {"role": "assistant", "content": "Peat"}
    rows = [
        [user],
        [user, said],
        [{"from": "human", "value": B}],
        [{"role": "user", "content": [{"type": "text", "text": C}]}],
        ["Tea"],
        json.dumps([{"role": "user", "content": "Soil"}]),
        [user, {"role": "assistant", "content": " "}],
        [user, said, user],
        [{"role": "system", "content": "x"}, user],
        ["Tea", "Soil"],
        [{"role": "user", "content": None}],
        "[{'role': 'user', 'content': 'HIDDENFERN'}]",
    ]
    made_ = read(model, tmp_path, "a.jsonl", jsonl(*({"messages": row} for row in rows)))
    assert [text.decode() for text in made_["text"]] == [A, A, B, C, "Tea", "Soil"]
    assert (made_["response_offset"] < made_["offset"][1:]).tolist() == [False, True, False, False, False, False]
    assert [row for _, row, _ in made_.dropped] == [8, 9, 10, 11, 12, 7]


def test_replies_that_are_no_text_cost_their_row_by_name(model, tmp_path):
    rows = [{"prompt": A, "response": said, "category": {}, "is_safe": True} for said in ("Peat", ["Peat"], None, 7)]
    made_ = read(model, tmp_path, "a.jsonl", jsonl(*rows))
    assert made_["source_row"].tolist() == [1, 3]
    assert [(row, reason) for _, row, reason in made_.dropped] == [(r, "response is not text") for r in (2, 4)]
    assert len(read(model, tmp_path, "a.jsonl", jsonl(*rows), "--no-responses")) == 1


def test_a_quote_that_is_not_closed_costs_its_own_row(model, tmp_path, capsys):
    rows = [f"{i} plants,x" for i in range(9)]
    rows[2] = '"never closed,x'
    rows[6] = '"not ""well closed" at all,x'
    made_ = read(model, tmp_path, "a.csv", "\n".join(["prompt,category", *rows]))
    assert made_["source_row"].tolist() == [1, 2, 4, 5, 6, 8, 9]
    assert [(row, reason) for _, row, reason in made_.dropped] == [
        (r, "quotes of a CSV row do not match") for r in (3, 7)
    ]
    assert "2 rows whose quotes" in capsys.readouterr().out


def test_encoding_of_what_is_not_utf8(model, tmp_path, capsys):
    prompts = ["Müsli for my fern – “now”?", "Tea"]
    data = "prompt\n" + "".join(f'"{prompt}"\n' for prompt in prompts)
    options, texts = ["--columns", "prompt=prompt"], [prompt.encode() for prompt in prompts]
    for name, encoding in (("cp1252", "cp1252"), ("utf-8", "cp1252"), ("utf-16", "cp1252"), ("cp1250", "cp1250")):
        made_ = read(model, tmp_path, "x.csv", data.encode(name), *options, "--encoding", encoding)
        assert made_["text"].tolist() == texts
        assert (f"read as {name}" in capsys.readouterr().out) == (name != "utf-8")
    assert read(model, tmp_path, "x.csv", data.encode("cp1252"), *options)["text"].tolist() == texts[1:]
    assert "give --encoding" in capsys.readouterr().out, "the row is dropped, the file named"
    assert read(model, tmp_path, "x.csv", data.encode("cp1252"), *options, "--encoding", "ascii") == 3
    assert read(model, tmp_path, "x.csv", data, *options, "--encoding", "base64") == 2
    assert "--encoding base64" in capsys.readouterr().err


def test_columns_that_are_not_used_are_named(model, tmp_path, capsys):
    read(model, tmp_path, "x.csv", f"prompt,category,verdict,long name here\n{A},x,y,z\n", "--columns", "prompt=prompt")
    assert "columns not used: category, verdict, 1 not shown" in capsys.readouterr().out


LEAKS = {  # file: bytes, words of the refusal
    "sentence.csv": (f"Tell me how to repot my {SECRET},x\nTea,y\n", "not a header"),
    "short.csv": (f"repot {SECRET}\nTea\n", "known prompt set"),
    "keys.jsonl": (jsonl({f"Tell me of my {SECRET}": "Sure"}), "known prompt set"),
    "keys.json": (json.dumps({f"Tell me, how do I repot my {SECRET}": "Sure"}), "expected a list"),
    "torn.json": ('[{"prompt": "my ' + SECRET, "not a JSON document"),
    "more.csv": (f"prompt,category,verdict\nmy {SECRET},x,y\n", "--columns a:prompt=prompt,topic=category"),
    "twice.csv": (f"my {SECRET},my {SECRET}\nx,y\n", "twice"),
    "open.csv": (f'"my {SECRET}\nx,y\n', "quotes of its first line"),
    "json.txt": (jsonl({"prompt": SECRET}), ".jsonl"),
    "cp1252.csv": (f"goal,target\nM\xfcsli for my {SECRET},Sure\n".encode("cp1252"), "not UTF-8"),
    "header.csv": (f"M\xfcsli,target\nmy {SECRET},Sure\n".encode("cp1252"), "not UTF-8 throughout"),
    "torn.csv.gz": (gzip.compress(SECRET.encode())[:-4], "decompressed"),
    "no.parquet": (SECRET.encode(), "not a parquet file"),
    "pointer.jsonl": ("version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 9\n", "Git LFS"),
    "table.xlsx": (b"PK", "unknown kind of file"),
    "numbers.json": ("[1, 2]", "no rows can be read (not a JSON object: 2)"),
    "half16.csv": (b"\xff\xfe" + "goal".encode("utf-16-le") + b"\x00", "utf-16"),
}  # fmt: skip


@pytest.mark.parametrize("name", LEAKS)
def test_refusals_name_the_cause_and_show_no_prompt(model, tmp_path, capsys, name):
    data, words = LEAKS[name]
    assert read(model, tmp_path, name, data) in (2, 3)
    printed = capsys.readouterr()
    assert words in printed.err and SECRET not in printed.out + printed.err


def test_values_of_a_column_of_prompts_are_not_shown(model, tmp_path, capsys):
    rows = f"vanilla\tadversarial\tcompletion\tdata_type\nmy {SECRET}\t\tNo\tvanilla_harmful\n"
    (tmp_path / "a.tsv").write_text(rows)
    assert corpus(model, tmp_path / "c.h5", "--set", f"a={tmp_path / 'a.tsv'}:vanilla=x") == 3
    printed = capsys.readouterr()
    assert "vanilla has 1 values" in printed.err and SECRET not in printed.err
