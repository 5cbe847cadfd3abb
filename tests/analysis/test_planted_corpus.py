"""Invariants of the committed planted corpora."""

from __future__ import annotations

import json

import numpy as np
import pytest
from moerae.files.corpus import split_of
from moerae.files.hashing import file_hash
from planted_reference import PLANTED, Corpus
from transformers import AutoTokenizer

SETS = {"regular", "jailbreak", "permitted", "lookalike"}


@pytest.fixture(scope="module", params=["base", "null"])
def world(request):
    folder = PLANTED / request.param
    return folder, Corpus(folder / "corpus.h5"), AutoTokenizer.from_pretrained(folder)


def test_prompts_are_the_templated_text_with_exactly_one_bos(world):
    _, corpus, tokenizer = world
    for row in range(len(corpus)):
        message = [{"role": "user", "content": corpus.text[row]}]
        text = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
        assert tokenizer.encode(text, add_special_tokens=False) == corpus.prompt(row)
        assert corpus.prompt(row).count(tokenizer.bos_token_id) == 1
        assert tokenizer.bos_token_id not in corpus.response(row)
    assert tokenizer.unk_token_id not in corpus.column["tokens"]


def test_content_is_the_users_words_and_the_response_follows_the_prompt(world):
    _, corpus, tokenizer = world
    c = corpus.column
    for row, (first, last) in enumerate(c["content_offset"]):
        words = tokenizer.convert_ids_to_tokens(c["tokens"][first:last].tolist())
        assert " ".join(words) == corpus.text[row]
        assert c["offset"][row] + 1 == first
        assert last + 1 == c["response_offset"][row] < c["offset"][row + 1]
    ends = c["tokens"][c["offset"][1:] - 1] == tokenizer.eos_token_id
    assert ends.mean() > 0.99  # a reply that never ends is cut


def test_clusters_pairs_and_splits(world):
    _, corpus, _ = world
    c, name = corpus.column, corpus.labels("set")
    assert set(name) == SETS
    assert len(np.unique(c["prompt_id"])) == len(corpus)
    assert np.array_equal(c["split"], [split_of(int(cluster)) for cluster in c["cluster"]])
    for cluster in np.unique(c["cluster"]):
        assert len(np.unique(c["split"][c["cluster"] == cluster])) == 1
    for chosen in SETS:
        pairs = c["pair"][name == chosen]
        assert (pairs >= 0).all()
        assert len(np.unique(pairs)) == len(pairs)
    discovery = np.unique(c["cluster"][c["split"] == 0])
    outside = np.unique(c["cluster"][c["split"] != 0])
    assert len(discovery) >= 280
    assert len(outside) >= 300


def test_rows_of_a_cluster_are_minimal_pairs(world):
    _, corpus, _ = world
    cluster, name, wrapper = corpus.column["cluster"], corpus.labels("set"), corpus.labels("wrapper")
    assert set(wrapper[name != "jailbreak"]) == {"none"}
    assert "none" not in wrapper[name == "jailbreak"]
    for one in np.unique(cluster)[:100]:
        text = {name[i]: corpus.text[i].split() for i in np.flatnonzero(cluster == one)}

        def bare(words):
            return [word for word in words if not word.startswith("qu") and not word.endswith("iso")]

        assert bare(text["regular"]) == bare(text["jailbreak"]) == bare(text["lookalike"])
        assert any(word.endswith("iso") for word in text["lookalike"])
        assert not any(word.endswith("iso") for word in text["regular"])


def test_topic_is_confounded_in_permitted_and_not_in_lookalikes(world):
    _, corpus, _ = world
    name, topic = corpus.labels("set"), corpus.labels("topic")
    assert sorted(topic[name == "regular"]) == sorted(topic[name == "lookalike"])
    hot = [t for t in set(topic) if (topic[name == "regular"] == t).mean() > 1.5 / 12]
    assert len(hot) == 3
    assert np.isin(topic[name == "regular"], hot).mean() > np.isin(topic[name == "permitted"], hot).mean() + 0.2


def test_every_prompt_has_its_three_continuations(world):
    _, corpus, tokenizer = world
    name = corpus.labels("set")
    for row in range(0, len(corpus), 7):
        target, refuse, comply = (corpus.forced(row, kind) for kind in ("target", "refuse", "comply"))
        assert target == (refuse if name[row] in ("regular", "jailbreak") else comply)
        assert refuse != comply
        assert refuse[-1] == comply[-1] == tokenizer.eos_token_id


def test_the_corpus_belongs_to_its_model(world):
    folder, corpus, _ = world
    assert corpus.attributes["weights_hash"] == file_hash(folder / "model.safetensors")
    assert corpus.attributes["tokenizer_hash"] == file_hash(folder / "tokenizer.json")


def test_truth_names_the_splits_and_every_expert(world):
    folder, corpus, _ = world
    truth = json.loads((folder / "truth.json").read_text())
    assert len(truth["experts"]) == truth["model"]["layers"] * truth["model"]["experts"] == 64
    outside = (corpus.column["split"] != 0) & (corpus.labels("set") == "regular")
    assert truth["measured"]["prompts"]["regular"] == outside.sum() >= 300
    for expert in truth["experts"]:
        for group in ("regular", "jailbreak"):
            for effect in (expert[group]["refusal"], expert[group]["margin"]):
                assert effect["low"] <= effect["drop"] <= effect["high"]
                assert (effect["sign"] == "grey") == (effect["low"] <= 0 <= effect["high"])
