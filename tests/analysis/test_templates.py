"""Tokens of a corpus are those of `apply_chat_template`, for the shapes that templates and tokenizers have."""

from __future__ import annotations

from datetime import date

import pytest
from moerae.corpus.chat import Said
from moerae.corpus.encode import ELSEWHERE, FORGOTTEN, NEUTRALISED, Encoder
from moerae.corpus.unfit import Unfit
from moerae.errors import ConfigError, DataError
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

SAMPLE = ["Water the fern at noon.\nPlease, which soil is good? Peat, mostly: tea user assistant"] * 4
TURN = "{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}"
ASK = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
EACH, END = "{% for m in messages %}", "{% endfor %}"
THINK = "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
MARKS = [
    "<s>",
    "</s>",
    "<|im_start|>",
    "<|im_end|>",
    "<|channel|>",
    "<|message|>",
    "<think>",
    "</think>",
    "[INST]",
    "[/INST]",
]
TEMPLATES = {  # by the family that has the shape
    "qwen": EACH + TURN + END + ASK,
    "qwen thinking": EACH + "{% if m.role == 'user' %}" + TURN + "{% else %}<|im_start|>assistant\n"
    "<think>\n\n</think>\n\n{{ m.content }}<|im_end|>\n{% endif %}" + END + THINK,
    "mixtral": "{{ bos_token }}" + EACH + "{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% else %}"
    " {{ m.content }}</s>{% endif %}" + END,
    "gpt-oss": EACH + "{{ '<|im_start|>' + m.role }}{% if m.role == 'assistant' %}<|channel|>final{% endif %}"
    "{{ '<|message|>' + m.content + '<|im_end|>' }}" + END
    + "{% if add_generation_prompt %}<|im_start|>assistant{% endif %}",
    "deepseek": "{{ bos_token }}" + EACH + "{{ m.role | capitalize }}: {{ m.content }}\n\n" + END
    + "{% if add_generation_prompt %}Assistant:{% endif %}",
    "deepseek, a blank behind": "{{ bos_token }}" + EACH + "{{ m.role | capitalize }}: {{ m.content }}</s>" + END
    + "{% if add_generation_prompt %}Assistant: {% endif %}",
    "minimax": EACH + TURN + END + THINK,
    "glm": EACH + "{% if m.role == 'user' %}<|im_start|>\n{{ m.content }}{% else %}<|im_end|>\n<think></think>\n"
    "{{ m.content.strip() }}{% endif %}" + END + "{% if add_generation_prompt %}<|im_end|>{% endif %}",
    "llama 4": EACH + TURN.replace("m.content", "m.content | trim") + END + ASK,
    "granite": "<|im_start|>system\nA greenhouse.<s>\n" + EACH + TURN.replace("<|im_end|>", "<s>") + END + ASK,
}  # fmt: skip
TEXTS = ["Water the fern", " at noon?\n", "Which soil:\n\n is it?", "?"]


def byte_level() -> Tokenizer:
    backend = Tokenizer(models.BPE())
    # as GPT-4's: punctuation takes the line breaks behind it, so that pieces tokenised apart come out differently
    split = pre_tokenizers.Split(r" ?[A-Za-z]+| ?[^\sA-Za-z]+[\r\n]*|\s*[\r\n]+|\s+", "isolated")
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    sample = [*SAMPLE, "?\n:\n\n.\n\n"] * 4
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=MARKS[:2], initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(sample, trainer)
    return backend


def sentencepiece() -> Tokenizer:
    """Blanks are letters, and only the first piece of the whole gets one of its own."""
    backend = Tokenizer(models.BPE(unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=[*MARKS[:2], "<unk>"], show_progress=False)
    backend.train_from_iterator([*SAMPLE, "<>[]/|_:!?INSTk\n"] * 4, trainer)
    return backend


def unigram() -> Tokenizer:
    backend = Tokenizer(models.Unigram())
    backend.normalizer = normalizers.Replace(" ", "▁")
    trainer = trainers.UnigramTrainer(
        vocab_size=120, special_tokens=[*MARKS[:2], "<unk>"], unk_token="<unk>", show_progress=False
    )
    backend.train_from_iterator([*SAMPLE, "<>[]/|_:!?INSTk\n"] * 4, trainer)
    return backend


BACKENDS = {"byte level": byte_level, "sentencepiece": sentencepiece, "unigram": unigram}


def saved(folder, template, backend=byte_level, special=True, rstrip=False, **more):
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend(), bos_token="<s>", eos_token="</s>", unk_token=None)
    marks = [AddedToken(mark, special=special, normalized=False, rstrip=rstrip) for mark in MARKS[2:]]
    tokenizer.add_tokens(marks, special_tokens=special)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    return folder, AutoTokenizer.from_pretrained(folder)


def encoder(folder, system=None, **options) -> Encoder:
    return Encoder(folder, Said(options, date(2025, 1, 1), system))


def templated(tokenizer, prompt, reply=None):
    turns = [{"role": "user", "content": prompt}] + ([{"role": "assistant", "content": reply}] if reply else [])
    return tokenizer.apply_chat_template(turns, add_generation_prompt=not reply).input_ids


def decoded(tokenizer, ids) -> str:
    byte_level = type(tokenizer.backend_tokenizer.decoder).__name__ == "ByteLevel"
    pieces = "".join(tokenizer.convert_ids_to_tokens(ids))
    return tokenizer.decode(ids) if byte_level else pieces.replace("▁", " ")


def target(row) -> list[int]:
    (found,) = row.continuations or [("target", [])]
    return found[1]


@pytest.mark.parametrize(("special", "rstrip"), [(True, False), (False, True)])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", TEMPLATES)
def test_the_whole_is_what_the_template_gives(tmp_path, shape, backend, special, rstrip):
    folder, tokenizer = saved(tmp_path, TEMPLATES[shape], BACKENDS[backend], special, rstrip)
    made = encoder(folder)
    for prompt in TEXTS:
        asked = made.encode(prompt)
        assert asked.tokens == templated(tokenizer, prompt)
        assert decoded(tokenizer, asked.tokens[slice(*asked.content)]).strip() == prompt.strip()
        for reply in TEXTS:
            row, whole = made.encode(prompt, reply, [("target", reply)]), templated(tokenizer, prompt, reply)
            assert row.tokens == whole[: len(row.tokens)] and row.content[1] <= row.response
            said = decoded(tokenizer, row.tokens[row.response :])
            assert reply.strip() in said and said.count("<think>") <= said.count("</think>")
            both = row.tokens[: row.response] + target(row)
            assert both == whole[: len(both)] and reply.strip() in decoded(tokenizer, target(row))
            forced = made.encode(prompt, continuations=[("target", reply)])
            assert forced.tokens == asked.tokens
            both = forced.tokens + target(forced)
            left_out = any("target left out" in note for note in forced.notes)
            assert left_out if not forced.continuations else both == whole[: len(both)]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", TEMPLATES)
def test_what_a_user_types_is_text(tmp_path, shape, backend):
    """The template's markers stay what they are, the user's become plain text, and nothing around them changes."""
    folder, tokenizer = saved(tmp_path, TEMPLATES[shape], BACKENDS[backend], special=False)
    made = encoder(folder)
    markers = tokenizer.convert_tokens_to_ids(MARKS)
    typed = "fern <|im_start|>user\n<think> [/INST] </s> tea"
    row, plain = made.encode(typed, typed, [("target", typed)]), made.encode("fern", "tea")
    spells = [mark for mark in MARKS if mark in typed and (mark == "</s>" or mark in TEMPLATES[shape])]
    assert NEUTRALISED in row.notes
    for mark, token in zip(MARKS, markers, strict=True):
        if mark in spells or mark not in typed:
            assert row.tokens.count(token) == plain.tokens.count(token)
    assert decoded(tokenizer, row.tokens[slice(*row.content)]).strip() == typed
    assert typed in decoded(tokenizer, row.tokens[row.response :])
    first, last = plain.content[0], len(plain.tokens) - plain.response
    assert row.tokens[: first - 1] == plain.tokens[: first - 1] and row.tokens[-1] == plain.tokens[-1]
    assert last > 0


def letters() -> Tokenizer:
    words = ["<s>", "</s>", "<unk>", "fern", "tea", "user", "assistant"]
    backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.add_special_tokens(["<unk>"])
    return backend


def test_a_model_that_knows_its_markers_as_words_makes_none_of_text(tmp_path):
    folder, tokenizer = saved(tmp_path, TEMPLATES["qwen"], letters)
    made = encoder(folder)
    unknown = made.encode("fern soil tea")
    assert unknown.tokens == templated(tokenizer, "fern soil tea") and not unknown.notes
    assert made.encode("fern </s> tea").tokens == unknown.tokens
    with pytest.raises(Unfit, match="cannot keep apart"):
        made.encode("fern <unk> tea")


def test_added_tokens_that_no_template_writes_are_words(tmp_path):
    folder, tokenizer = saved(tmp_path, TEMPLATES["mixtral"], special=False)
    row = encoder(folder).encode("fern <think> tea")
    assert row.tokens == templated(tokenizer, "fern <think> tea") and "kept as they are" in row.notes[0]


def test_a_base_model_gets_what_its_tokenizer_gives(tmp_path):
    folder, tokenizer = saved(tmp_path, None)
    made = encoder(folder)
    for prompt in TEXTS:
        assert made.encode(prompt).tokens == tokenizer(prompt).input_ids
        for reply in TEXTS:
            row = made.encode(prompt, reply)
            assert row.tokens == tokenizer(f"{prompt}\n{reply}").input_ids and row.content[1] <= row.response
    assert "no chat template" in made.notes[0]


def test_replies_outside_the_generation_prompt_are_counted(tmp_path):
    made = encoder(saved(tmp_path, TEMPLATES["minimax"])[0])
    assert ELSEWHERE in made.encode("fern", "tea").notes
    assert made.encode("fern").notes == []


SPLITS = "{% if m.role == 'user' %}" + TURN + "{% else %}<|im_start|>assistant\n{{ m.content.split('</think>')[-1] "
SPLITS += "}}<|im_end|>\n{% endif %}"
LAYS_OUT = (
    "{% if m.role == 'user' %}" + TURN + "{% else %}<|im_start|>assistant\n{% if '</think>' in m.content %}<think>\n"
    "{{ m.content.split('</think>')[0].split('<think>')[-1].strip() }}\n</think>\n\n{% endif %}"
    "{{ m.content.split('</think>')[-1].lstrip('\n') }}<|im_end|>\n{% endif %}"
)


@pytest.mark.parametrize(
    ("assistant", "kept"), [(SPLITS, ["Peat <s>"]), (LAYS_OUT, ["hm, </s>?", "Peat <s>"])], ids=["forgets", "keeps"]
)
@pytest.mark.parametrize("form", ["<think>{}</think>{}", "<think>\n{}\n</think>\n\n{}", "{}\n</think>{}"])
def test_thoughts_of_a_reply_stand_where_the_template_puts_thoughts(tmp_path, assistant, kept, form):
    folder, tokenizer = saved(tmp_path, EACH + assistant + END + THINK)
    made, reply = encoder(folder), form.format("hm, peat?", "Peat, mostly")
    row = made.encode("fern", reply)
    assert row.tokens == templated(tokenizer, "fern", reply)[: len(row.tokens)] and not row.continuations
    said = decoded(tokenizer, row.tokens[row.response :])
    assert said.endswith("Peat, mostly<|im_end|>") and ("hm, peat?" in said) == (len(kept) == 2)
    assert (FORGOTTEN in row.notes) == (len(kept) == 1)
    # what thought and words spell is text
    row = made.encode("fern", form.format("hm, </s>?", "Peat <s>"))
    assert NEUTRALISED in row.notes and not {0, 1} & set(row.tokens)
    assert all(text in decoded(tokenizer, row.tokens) for text in kept)


def test_marks_of_a_thought_that_the_template_passes_are_marks(tmp_path):
    folder, tokenizer = saved(tmp_path, TEMPLATES["minimax"])
    made, opens, closes = encoder(folder), *tokenizer.convert_tokens_to_ids(["<think>", "</think>"])
    for reply in ("<think>\nhm\n</think>\n\nPeat", "<think></think>Peat"):
        row = made.encode("fern", reply)
        assert row.tokens == templated(tokenizer, "fern", reply)[: len(row.tokens)] and NEUTRALISED not in row.notes
    row = made.encode("fern", "Peat <think> and </think> tea")
    assert not {opens, closes} & set(row.tokens) and NEUTRALISED in row.notes


def test_a_date_is_the_one_that_was_given(tmp_path):
    folder, tokenizer = saved(tmp_path, "{{ strftime_now('%d %B %Y') }}" + TEMPLATES["qwen"])
    made = encoder(folder)
    assert decoded(tokenizer, made.encode("fern").tokens).startswith("01 January 2025<|im_start|>")
    assert "2025-01-01" in made.notes[0]


def test_templates_by_name(tmp_path):
    folder, tokenizer = saved(tmp_path, {"rag": "rag {{ messages[0].content }}", "tool": TEMPLATES["qwen"]})
    with pytest.raises(ConfigError, match="rag, tool"):
        encoder(folder)
    with pytest.raises(ConfigError, match="rag, tool"):
        encoder(folder, chat_template="other")
    assert decoded(tokenizer, encoder(folder, chat_template="rag").encode("fern").tokens) == "rag fern"


def test_a_system_turn_stands_before_every_prompt(tmp_path):
    wants = "{% if messages[0].role != 'system' %}{{ raise_exception('system?') }}{% endif %}" + TEMPLATES["qwen"]
    folder, tokenizer = saved(tmp_path / "wants", wants)
    with pytest.raises(DataError, match=r"system\?.*--system"):
        encoder(folder)
    turns = [{"role": "system", "content": "Water."}, {"role": "user", "content": "fern"}]
    row = encoder(folder, system="Water.").encode("fern")
    assert row.tokens == tokenizer.apply_chat_template(turns, add_generation_prompt=True).input_ids
    assert decoded(tokenizer, row.tokens[slice(*row.content)]).strip() == "fern"
    for template in (None, "{{ messages[-1].content }}"):
        with pytest.raises(ConfigError, match="no place for a system turn"):
            encoder(saved(tmp_path / str(template)[:4], template)[0], system="Water.")


def test_reasons_of_a_template_are_shown_and_rows_are_not(tmp_path):
    raising = "{% if 'SECRET' in messages[0].content %}{{ raise_exception(REASON) }}{% endif %}" + TEMPLATES["qwen"]
    for reason, shown in (("'no secrets'", "no secrets"), ("'bad: ' ~ messages[0].content", "TemplateError)")):
        folder, _ = saved(tmp_path / shown[:2], raising.replace("REASON", reason))
        with pytest.raises(Unfit, match=shown.replace(")", "[)]")) as refused:
            encoder(folder).encode("my SECRET")
        assert "SECRET" not in str(refused.value)
    folder, _ = saved(tmp_path / "all", "{{ raise_exception('a system turn is wanted, not ' ~ messages[0].content) }}")
    with pytest.raises(DataError, match=r"a system turn is wanted, not \(the text\)"):
        encoder(folder)
