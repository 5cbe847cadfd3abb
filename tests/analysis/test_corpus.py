"""`python -m moerae corpus` on the real XSTest files and on files as hostile as files get."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from corpus_made import Corpus, corpus, lines
from moerae.corpus.columns import detect
from moerae.corpus.openings import TABLES
from moerae.files.corpus import read_continuations, read_prompts, split_of
from moerae.files.hashing import file_hash
from tokenizers_made import CHAT, STRIPPING, TURNS, made
from transformers import AutoTokenizer

XSTEST = Path("../shared/data/xstest")
needs_xstest = pytest.mark.skipif(not XSTEST.is_dir(), reason=f"XSTest is not at {XSTEST}")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return made(tmp_path_factory.mktemp("model"))


@needs_xstest
def test_xstest_by_label(model, tmp_path):
    file, out = XSTEST / "xstest_prompts.csv", tmp_path / "c.h5"
    assert (
        corpus(model, out, "--set", f"bad={file}:label=unsafe", "--set", f"good={file}:label=safe", "--keep-text") == 0
    )
    made_, tokenizer = Corpus(out), AutoTokenizer.from_pretrained(model)
    with open(file, newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert len(made_) == 450 == len(rows) and not made_.dropped
    assert made_["set"].count("bad") == 200 and made_["set"].count("good") == 250
    for p in range(450):
        row = rows[made_["source_row"][p] - 1]
        text = row["prompt"]
        assert (
            made_["text"][p].decode() == text and made_["topic"][p] == row["type"] and made_["label"][p] == row["label"]
        )
        assert made_["set"][p] == ("bad" if row["label"] == "unsafe" else "good")
        ids = made_.tokens(p).tolist()
        chat = [{"role": "user", "content": text}]
        assert ids == tokenizer.apply_chat_template(chat, add_generation_prompt=True).input_ids
        assert ids[0] == tokenizer.bos_token_id and ids.count(tokenizer.bos_token_id) == 1
        assert tokenizer.decode(made_.content(p)) == text
        assert made_["split"][p] == split_of(int(made_["cluster"][p]))
    assert (made_["response_offset"] == made_["offset"][1:]).all() and len(set(made_["cluster"])) == 450
    assert set(made_["source"]) == {"xstest_prompts.csv"} and made_.attributes["bos"] == "template"
    for key, name in (("tokenizer_hash", "tokenizer.json"), ("chat_template_hash", "chat_template.jinja")):
        assert made_.attributes[key] == file_hash(model / name)


@needs_xstest
def test_xstest_completions_are_responses(model, tmp_path):
    out = tmp_path / "c.h5"
    assert corpus(model, out, "--set", f"gpt4={XSTEST / 'completions_gpt4.csv'}", "--max-tokens", "100000") == 0
    made_, tokenizer = Corpus(out), AutoTokenizer.from_pretrained(model)
    with open(XSTEST / "completions_gpt4.csv", newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert len(made_) + len(made_.dropped) == len(rows) and len(made_) >= 440
    for p in range(len(made_)):
        row = rows[made_["source_row"][p] - 1]
        reply = made_["tokens"][made_["response_offset"][p] : made_["offset"][p + 1]]
        assert (
            tokenizer.decode(reply) == row["completion"] + "</s>"
        )  # the end token belongs to the reply, "\n" does not
        assert made_["label"][p] == row["final_label"]


def test_stripping_template_and_special_token_names_in_text(tmp_path):
    model = made(tmp_path / "m", STRIPPING)
    tokenizer = AutoTokenizer.from_pretrained(model)
    texts = ["  padded \n", "a <s> b </s> c <|assistant|>", "{{ 7 * 7 }} {% raw %} ${x}", "user", "<|user|>\n"]
    out = tmp_path / "c.h5"
    data = lines(tmp_path / "a.jsonl", *({"prompt": t, "category": "x"} for t in texts))
    assert corpus(model, out, "--set", f"a={data}") == 0
    made_ = Corpus(out)
    assert len(made_) == 5
    specials = tokenizer.convert_tokens_to_ids(["<s>", "</s>", "<|user|>", "<|assistant|>"])
    for p, text in enumerate(texts):
        assert tokenizer.decode(made_.content(p)) == text.strip()
        ids = made_.tokens(p).tolist()
        assert [ids.count(i) for i in specials] == [1, 0, 1, 1]


@pytest.mark.parametrize(
    ("options", "bos", "count"),
    [
        ({"template": TURNS, "adds_bos": True}, "none", 0),
        ({"template": TURNS}, "none", 0),
        ({"template": CHAT, "adds_bos": True}, "template", 1),
        ({"template": None, "adds_bos": True}, "added", 1),
        ({"template": None}, "none", 0),
        ({"template": None, "bos": None}, "none", 0),
        ({"words": True}, "template", 1),
    ],
)
def test_bos_as_template_or_tokenizer_has_it(tmp_path, options, bos, count):
    model = made(tmp_path / "m", **options)
    data = lines(tmp_path / "a.jsonl", {"prompt": "hello world", "category": "x", "reply": "hello"})
    assert corpus(model, tmp_path / "c.h5", "--set", f"a={data}", "--columns", "response=reply") == 0
    made_, tokenizer = Corpus(tmp_path / "c.h5"), AutoTokenizer.from_pretrained(model)
    ids = made_.tokens(0).tolist()
    assert made_.attributes["bos"] == bos and ids.count(0) == count and (ids[0] == 0) == bool(count)
    assert tokenizer.decode(made_.content(0)) == "hello world"
    reply = tokenizer.decode(made_["tokens"][made_["response_offset"][0] :])
    assert reply.replace(" ", "").strip() == ("hello</s>" if options.get("template", CHAT) else "hello")


def test_two_bos_and_mangling_templates_are_refused(tmp_path, capsys):
    data = lines(tmp_path / "a.jsonl", {"prompt": "hello", "category": "x"})
    for template, word in (
        ("{{ bos_token }}" + CHAT, "two BOS tokens"),
        ("{{ undefined_thing.x }}", "chat template fails"),
    ):
        assert corpus(made(tmp_path / word[:3], template), tmp_path / "c.h5", "--set", f"a={data}") == 3
        assert word in capsys.readouterr().err
    assert not (tmp_path / "c.h5").exists()


def test_hostile_csv(model, tmp_path, capsys):
    big = "x" * 200 + " word" * 2_000_000  # 10 MB
    rows = [
        b'"quotes, ""doubled""\r\nand a newline",one',
        b",two",
        b"  \t ,two",
        b"REDACTED,two",
        b"nul \x00 inside,two",
        b"bad \xff\xfe bytes,two",
        b"too,many,cells",
        b"too few",
        big.encode() + b",two",
        b"Twice  told,one",
        b"twice TOLD,one",
        b"SECRET plain prompt,",
        b'"never closed,one',
    ]
    file = tmp_path / "odd name.csv"
    file.write_bytes(b"\xef\xbb\xbf" + b" text , kind \r\n\r\n" + b"\r\n".join(rows))
    assert corpus(model, tmp_path / "c.h5", "--set", f"a={file}", "--columns", "prompt=text,label=kind") == 0
    made_, printed = Corpus(tmp_path / "c.h5"), capsys.readouterr()
    assert made_["source_row"].tolist() == [1, 10, 12] and made_["label"] == ["one", "one", None]
    assert made_.dropped == [
        ("odd name.csv", 7, "number of cells differs from the header"),
        ("odd name.csv", 8, "number of cells differs from the header"),
        ("odd name.csv", 13, "quotes of a CSV row do not match"),
        ("odd name.csv", 2, "empty text"),
        ("odd name.csv", 3, "empty text"),
        ("odd name.csv", 4, "REDACTED"),
        ("odd name.csv", 5, "NUL character"),
        ("odd name.csv", 6, "not UTF-8"),
        ("odd name.csv", 11, "duplicate in its set"),
        ("odd name.csv", 9, "more than 4096 tokens"),
    ]
    assert AutoTokenizer.from_pretrained(model).decode(made_.content(0)) == 'quotes, "doubled"\r\nand a newline'
    assert (
        "dropped: 10 rows" in printed.out and "label unknown (-1): 1" in printed.out and "empty text: 2" in printed.out
    )
    assert "SECRET" not in printed.out + printed.err and "bytes" not in printed.out + printed.err
    assert json.loads(made_.attributes["dropped"])["empty text"] == 2 and "text" not in made_.columns


def test_hostile_json_lines(model, tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_bytes(
        b'\xef\xbb\xbf{"prompt": "fine", "category": "x"}\r\n\n'
        b'{"prompt": 7, "category": "x"}\n{"prompt": null, "category": "x"}\n{"category": "x"}\n[1]\n{"prompt": "torn\n'
        b'{"prompt": "lone \\ud800 surrogate", "category": "x"}\n' + b"[" * 100_000 + b"\n"
        b'{"prompt": "fine too", "category": ["x", "y"]}'
    )
    assert corpus(model, tmp_path / "c.h5", "--set", f"a={file}") == 0
    made_ = Corpus(tmp_path / "c.h5")
    assert made_["source_row"].tolist() == [1, 9] and made_["topic"] == ["x", "x, y"]
    reasons = sorted((row, reason) for _, row, reason in made_.dropped)
    assert reasons == [
        (2, "prompt is not text"),
        (3, "empty text"),
        (4, "empty text"),
        (5, "not a JSON object"),
        (6, "not JSON"),
        (7, "not UTF-8"),
        (8, "not JSON"),
    ]


def test_pairs_and_clusters(model, tmp_path):
    header = "Index,Goal,Target,Behavior,Category,Source\n"
    (tmp_path / "harmful.csv").write_text(
        header + "0,first goal,Sure,b,c,s\n1,second goal,Sure,b,c,s\n1,again,Sure,b,c,s\n"
    )
    (tmp_path / "benign.csv").write_text(header + "1,second twin,Sure,b,c,s\n0,first twin,Sure,b,c,s\n")
    (tmp_path / "adv.csv").write_text("goal,target\nFIRST  goal,Sure\nother,Sure\n")
    sets = [a for name in ("harmful", "benign", "adv") for a in ("--set", f"{name}={tmp_path / name}.csv")]
    assert corpus(model, tmp_path / "c.h5", *sets) == 0
    made_ = Corpus(tmp_path / "c.h5")
    cluster, pair = made_["cluster"].tolist(), made_["pair"].tolist()
    assert cluster[0] == cluster[4] == cluster[5] and cluster[1] == cluster[2] == cluster[3]
    assert len(set(cluster)) == 3 and min(cluster) >= 0
    assert pair[0] == pair[4] != pair[1] and pair[1] == pair[3] and pair[2] == pair[5] == pair[6] == -1
    assert made_["label"] == [None] * 5 + ["harmful"] * 2
    assert made_["continuation/kind"].tolist() == [0] * 7 and made_["continuation/prompt"].tolist() == list(range(7))
    # the order of files and sets changes no id
    assert corpus(model, tmp_path / "d.h5", *sets[4:], *sets[:4]) == 0
    assert sorted(Corpus(tmp_path / "d.h5")["cluster"]) == sorted(cluster)


def test_cluster_column(model, tmp_path):
    rows = [{"prompt": f"{w} {g}", "category": "x", "goal": g} for g in ("g1", "g2") for w in ("please", "now", "tell")]
    data = lines(tmp_path / "a.jsonl", *rows)
    assert corpus(model, tmp_path / "c.h5", "--set", f"a={data}", "--cluster-column", "goal") == 0
    cluster = Corpus(tmp_path / "c.h5")["cluster"].tolist()
    assert len(set(cluster[:3])) == len(set(cluster[3:])) == 1 and cluster[0] != cluster[3]


def test_openai_flags_missing_is_unknown(model, tmp_path):
    zero = dict.fromkeys(("S", "H", "V", "HR", "SH", "S3", "H2", "V2"), 0)
    rows = [{"prompt": "a", **zero}, {"prompt": "b", **zero, "V": 1}, {"prompt": "c", "S": 0}, {"prompt": "d", "H": 1}]
    assert corpus(model, tmp_path / "c.h5", "--set", f"a={lines(tmp_path / 'a.jsonl', *rows)}") == 0
    made_ = Corpus(tmp_path / "c.h5")
    assert made_["label"] == ["safe", "unsafe", None, "unsafe"] and made_["topic"] == ["none", "V", None, "H"]


def test_published_headers_are_recognised():
    headers = {
        "HarmBench": "Behavior,FunctionalCategory,SemanticCategory,Tags,ContextString,BehaviorID",
        "AdvBench": "goal,target",
        "XSTest": "id,prompt,type,label,focus,note",
        "StrongREJECT": "category,source,forbidden_prompt",
        "JailbreakBench": "Index,Goal,Target,Behavior,Category,Source",
        "WildGuardMix": "prompt,adversarial,response,prompt_harm_label,response_refusal_label,subcategory",
        "Aegis 2.0": "id,reconstruction_id_if_redacted,prompt,response,prompt_label,response_label,violated_categories",
        "OpenAI moderation": "prompt,S,H,V,HR,SH,S3,H2,V2",
        "SimpleSafetyTests": "id,prompt,harm_area,category",
        "OR-Bench": "prompt,category",
    }
    assert {name: detect(set(header.split(","))).name for name, header in headers.items()} == {n: n for n in headers}
    assert detect({"text", "kind"}) is None


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--set", "a=missing.csv"], 3, ["missing.csv"]),
        (["--set", "a"], 2, ["NAME=FILE"]),
        (["--set", "a(b)={own}"], 2, ["letters, digits"]),
        (["--set", "a={own}"], 2, ["kind, text", "--columns prompt="]),
        (["--set", "a={own}", "--columns", "prompt=nothing"], 2, ["nothing", "kind"]),
        (["--set", "a={own}", "--columns", "promt=text"], 2, ["promt", "response"]),
        (["--set", "a={own}", "--columns", "b:prompt=text"], 2, ["no --set"]),
        (["--set", "a={own}:kind=thre", "--columns", "prompt=text"], 3, ["one (1), two (1)"]),
        (["--set", "a={own}:sort=one", "--columns", "prompt=text"], 2, ["sort", "kind"]),
        (["--set", "a={own}:text=nothing", "--columns", "prompt=text"], 3, ["set a"]),
        (["--set", "a={own}", "--columns", "prompt=text", "--max-tokens", "3"], 3, ["set a", "more than 3 tokens: 2"]),
        (["--set", "a={own}", "--columns", "prompt=text", "--cluster-column", "goal"], 2, ["goal"]),
        (["--set", "a={own}", "--columns", "prompt=text", "--template-option", "x"], 2, ["KEY=JSON"]),
        (["--set", "a={own}", "--columns", "prompt=text", "--date", "today"], 2, ["YYYY-MM-DD"]),
        (["--set", "a={empty}"], 3, ["no rows"]),
    ],
)
def test_refusals_name_what_is_wrong_and_show_no_prompt(model, tmp_path, capsys, arguments, code, words):
    (tmp_path / "own.csv").write_text("text,kind\nHIDDEN one,one\nHIDDEN two,two\n")
    (tmp_path / "empty.csv").write_text("")
    named = [a.format(own=tmp_path / "own.csv", empty=tmp_path / "empty.csv") for a in arguments]
    assert corpus(model, tmp_path / "c.h5", *named) == code
    printed = capsys.readouterr()
    assert all(word in printed.err for word in words), printed.err
    assert "HIDDEN" not in printed.out + printed.err and not (tmp_path / "c.h5").exists()


def test_openings_stand_behind_every_prompt(tmp_path, model):
    source = tmp_path / "mine.csv"
    source.write_text("prompt\nHow do ferns grow?\nName a moss\n")
    out = tmp_path / "corpus.h5"
    assert corpus(model, out, "--set", f"mine={source}", "--openings", "english", "--opening", "refuse=No, never") == 0
    found, tokenizer = read_continuations(out), AutoTokenizer.from_pretrained(model)
    table = [*TABLES["english"], ("refuse", "No, never")]
    for prompt in (0, 1):
        said = [(kind, tokenizer.decode(tokens).strip()) for id_, kind, tokens in found if id_ == prompt]
        assert sorted(said) == sorted(table)
    assert [p.continuations for p in read_prompts(out)] == [
        [(kind, tokens) for id_, kind, tokens in found if id_ == prompt] for prompt in (0, 1)
    ]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--opening", "refuse=No"], "none of the kind comply"),
        (["--opening", "maybe=So"], "refuse=TEXT or comply=TEXT"),
        (["--openings", "english", "--opening", "comply=Sure, here is a"], "given twice"),
    ],
)
def test_openings_that_make_no_margin_are_refused(tmp_path, model, capsys, given, words):
    source = tmp_path / "mine.csv"
    source.write_text("prompt\nHow do ferns grow?\n")
    assert corpus(model, tmp_path / "c.h5", "--set", f"mine={source}", *given) == 2
    assert words in capsys.readouterr().err
