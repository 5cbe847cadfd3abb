"""What lies in a checkpoint folder in place of a tokenizer or a chat template, and what is said of it."""

from __future__ import annotations

import json
import shutil

import pytest
from corpus_made import Corpus, corpus, lines
from tokenizers_made import CHAT, TURNS, made

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9085657\n"
SECRET = "HIDDENFERN"


def no_tokenizer(folder):
    for path in folder.glob("*token*"):
        path.unlink()


def only_sentencepiece(folder):
    no_tokenizer(folder)
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "LlamaTokenizer"}))
    (folder / "tokenizer.model").write_bytes(b"\x0a\x0e\x0a\x05<unk>\x15\x00\x00\x00\x00\x18\x02")


def hub_root(folder):
    shutil.rmtree(folder)
    (folder / "snapshots/4d7a").mkdir(parents=True)


CASES = {
    "a pointer": (lambda folder: (folder / "tokenizer.json").write_text(POINTER), "Git LFS"),
    "a pointer for settings": (lambda folder: (folder / "config.json").write_text(POINTER), "Git LFS"),
    "nothing": (no_tokenizer, "no tokenizer file"),
    "sentencepiece": (only_sentencepiece, "tokenizer.model only, and no tokenizer.json"),
    "a hub cache": (hub_root, "snapshots/ (there: 4d7a)"),
    "no folder": (shutil.rmtree, "no such folder"),
    "a torn template": (lambda folder: (folder / "chat_template.json").write_text("{"), "chat_template.json"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_cause_is_named(tmp_path, capsys, name):
    model = made(tmp_path / "m", template=None)
    change, words = CASES[name]
    change(model)
    data = lines(tmp_path / "a.jsonl", {"prompt": SECRET, "category": "x"})
    assert corpus(model, tmp_path / "c.h5", "--set", f"a={data}") == 3
    printed = capsys.readouterr()
    assert words in printed.err and SECRET not in printed.err


def test_the_template_of_a_processor_is_used(tmp_path, capsys):
    model = made(tmp_path / "m", template=None)
    data = lines(tmp_path / "a.jsonl", {"prompt": "hello", "category": "x"})
    assert corpus(model, tmp_path / "c.h5", "--set", f"a={data}") == 0
    assert "no chat template was found" in capsys.readouterr().out
    (model / "chat_template.json").write_text(json.dumps({"chat_template": CHAT}))
    assert corpus(model, tmp_path / "c.h5", "--set", f"a={data}") == 0
    assert "no chat template" not in capsys.readouterr().out
    expected = corpus(made(tmp_path / "other", CHAT), tmp_path / "d.h5", "--set", f"a={data}")
    assert (
        expected == 0 and Corpus(tmp_path / "c.h5").tokens(0).tolist() == Corpus(tmp_path / "d.h5").tokens(0).tolist()
    )


def test_a_longest_prompt_that_nobody_names_is_said(tmp_path, capsys):
    model = made(tmp_path / "m", TURNS)
    data = lines(tmp_path / "a.jsonl", {"prompt": "hello", "category": "x"})
    for config, said in (({}, True), ({"text_config": {"max_position_embeddings": 5}}, False)):
        (model / "config.json").write_text(json.dumps(config))
        corpus(model, tmp_path / "c.h5", "--set", f"a={data}")
        printed = capsys.readouterr()
        assert ("names no max_position_embeddings" in printed.out) == said
    assert "more than 5 tokens" in printed.err
