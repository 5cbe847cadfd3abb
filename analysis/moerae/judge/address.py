"""A judge that is a model behind an OpenAI-compatible address, asked with a frozen prompt of the user's."""

from __future__ import annotations

import json
import os
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import xxhash

from moerae.errors import ConfigError, DataError
from moerae.files.labels import LABELS

Line = dict[str, str]
KEY = "MOERAE_JUDGE_KEY"  # environment: sent as a bearer token
AGAIN = (408, 409, 425, 429, 500, 502, 503, 504)
TRIES, TIMEOUT = 6, 120.0


@dataclass(frozen=True)
class Judge:
    """`template` holds {prompt} and {reply}, and asks for one of the labels as the last word of the answer."""

    url: str  # of the API: <url>/chat/completions is asked
    model: str
    template: str
    parallel: int = 8
    pause: float = 1.0  # seconds before the second try; doubled each time

    def __post_init__(self) -> None:
        for field in ("{prompt}", "{reply}"):
            if field not in self.template:
                raise ConfigError(f"the judge's prompt has no {field}, so it would not see it")

    @property
    def hash(self) -> str:
        """Of what a verdict depends on besides the text."""
        return xxhash.xxh3_64_hexdigest(f"{self.model}\0{self.template}".encode())

    def __call__(self, lines: Sequence[Line], cache: Path) -> list[str]:
        """Labels in order. Every answer is added to `cache` when it comes, so that a repeated command asks for the rest
        only. DataError where the address fails for good."""
        known = read_cache(cache)
        asked = {text: self.text_hash(text) for text in map(self.filled, lines)}
        lock = threading.Lock()
        cache.parent.mkdir(parents=True, exist_ok=True)
        with open(cache, "a", encoding="utf-8") as handle:

            def ask(text: str) -> None:
                label = parse(self.answer(text))
                with lock:
                    known[asked[text]] = label
                    handle.write(json.dumps({"text": asked[text], "label": label}) + "\n")
                    handle.flush()

            open_texts = [text for text, key in asked.items() if key not in known]
            with ThreadPoolExecutor(self.parallel) as pool:
                for _ in pool.map(ask, open_texts):
                    pass
        return [known[asked[self.filled(line)]] for line in lines]

    def filled(self, line: Line) -> str:
        # one pass: a reply that spells {prompt} stays what it is
        return re.sub(r"\{(prompt|reply)\}", lambda found: line[found[1]], self.template)

    def text_hash(self, text: str) -> str:
        return xxhash.xxh3_128_hexdigest(f"{self.model}\0{text}".encode())

    def answer(self, text: str) -> str:
        body = {"model": self.model, "temperature": 0, "messages": [{"role": "user", "content": text}]}
        headers = {"Content-Type": "application/json"}
        if os.environ.get(KEY):
            headers["Authorization"] = f"Bearer {os.environ[KEY]}"
        address = f"{self.url.rstrip('/')}/chat/completions"
        for attempt in range(TRIES):
            request = urllib.request.Request(address, json.dumps(body).encode(), headers)
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                    return str(json.load(response)["choices"][0]["message"]["content"])
            except urllib.error.HTTPError as error:
                failure = f"HTTP {error.code}"
                if error.code not in AGAIN:
                    break
            except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
                failure = str(error) or type(error).__name__
            if attempt + 1 < TRIES:
                time.sleep(self.pause * 2**attempt)
        raise DataError(
            f"the judge at {address} ({self.model}) gave no answer: {failure}; what it has judged is kept: repeat the "
            "command to go on"
        )


def parse(answer: str) -> str:
    """The last label that the answer names."""
    found = re.findall(rf"\b({'|'.join(LABELS)})\b", answer.lower())
    return found[-1] if found else "unparseable"


def read_cache(path: Path) -> dict[str, str]:
    """A torn last line (a killed command) is left out."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            entry = json.loads(line)
            found[entry["text"]] = entry["label"]
        except (ValueError, KeyError, TypeError):
            continue
    return found
