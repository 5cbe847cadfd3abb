"""The tokenizer of a checkpoint folder; where there is none, what lies there in its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from moerae.errors import ConfigError, DataError
from moerae.files.lfs import refuse_pointer

VOCABULARIES = (
    "tokenizer.json",
    "tokenizer.model",
    "spiece.model",
    "tekken.json",
    "tiktoken.model",
    "vocab.json",
    "vocab.txt",
)
SETTINGS = (
    "config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
)


def load_tokenizer(folder: Path) -> Any:  # noqa: ANN401 - transformers has no common type for what it returns
    """A fast tokenizer, with the chat template that lies beside it, if any."""
    _check_folder(folder)
    from transformers import AutoTokenizer

    found = [name for name in VOCABULARIES if (folder / name).is_file()]
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except Exception as error:
        raise DataError(
            f"{folder}: transformers cannot load its tokenizer ({type(error).__name__}: {error}); it has "
            f"{', '.join(found)}{_only_slow(found)}"
        ) from None
    if not tokenizer.is_fast:
        raise ConfigError(
            f"{folder}: only a slow tokenizer ({', '.join(found)}); finding the user's text needs the offsets of a "
            "fast one; save the tokenizer as tokenizer.json first"
        )
    if tokenizer.chat_template is None:
        tokenizer.chat_template = _processor_template(folder / "chat_template.json")
    return tokenizer


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; --model wants a checkpoint in Hugging Face format")
    if (folder / "snapshots").is_dir():
        names = ", ".join(sorted(path.name for path in (folder / "snapshots").iterdir())) or "none"
        raise DataError(
            f"{folder}: is the root of a hub cache; --model wants a folder below snapshots/ (there: {names})"
        )
    present = [folder / name for name in (*VOCABULARIES, *SETTINGS) if (folder / name).is_file()]
    for path in present:
        refuse_pointer(path)
    if not any(path.name in VOCABULARIES for path in present):
        raise DataError(
            f"{folder}: no tokenizer file (none of {', '.join(VOCABULARIES)}); prompts cannot become tokens; fetch "
            "tokenizer.json and tokenizer_config.json of this model into the folder"
        )


def _only_slow(found: list[str]) -> str:
    if "tokenizer.json" in found:
        return ""
    return (
        " only, and no tokenizer.json; fetch that file, or make it by saving the tokenizer with transformers elsewhere"
    )


def _processor_template(path: Path) -> str | None:
    """The template of a multimodal processor, which a tokenizer alone does not load."""
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text())["chat_template"]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: expected an object with chat_template ({type(error).__name__}); repair or remove the file"
        ) from None
