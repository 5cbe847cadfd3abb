"""The tokenizer folder: one word, one token; a chat template that makes `<bos> words <sep>`."""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from moerae.planted.world import ID, SPECIAL

# one user message -> `<bos> ... <sep>`; an assistant's turn follows as `... <end>`
TEMPLATE = """\
{{- bos_token }}
{%- for message in messages %}
{%- if message['role'] == 'user' %}{{ ' ' + message['content'] + ' <sep>' }}
{%- elif message['role'] == 'assistant' %}{{ ' ' + message['content'] + ' <end>' }}
{%- else %}{{ raise_exception('planted models know the roles user and assistant only, got ' + message['role']) }}
{%- endif %}
{%- endfor %}
"""

CONFIG = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "bos_token": "<bos>",
    "eos_token": "<end>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "additional_special_tokens": ["<sep>"],
    "add_bos_token": False,  # the template writes it: exactly one
    "clean_up_tokenization_spaces": False,
    "model_max_length": 128,
}


def write_tokenizer(folder: Path) -> None:
    """Writes tokenizer.json, tokenizer_config.json and chat_template.jinja; AutoTokenizer reads them."""
    tokenizer = Tokenizer(WordLevel(vocab=dict(ID), unk_token="<unk>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    (folder / "chat_template.jinja").write_text(TEMPLATE)
