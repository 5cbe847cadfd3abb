"""Bytes of a file of prompts -> text: compressed or not, in the encodings that spreadsheets write."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

from moerae.errors import ConfigError, DataError
from moerae.files.lfs import refuse_pointer

BOMS = {  # the longer first: UTF-32 begins as UTF-16 does
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
NOT_UTF8 = "not UTF-8 throughout; an export of a spreadsheet (cp1252, latin-1)? give --encoding, or save it as UTF-8"


def _zstandard(data: bytes) -> bytes:
    import zstandard

    with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as stream:
        return stream.read()


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".xz": lzma.decompress,
    ".bz2": bz2.decompress,
    ".zst": _zstandard,
}


def kind_of(path: Path) -> str:
    """The suffix that tells the kind, below a compression's."""
    return Path(path.stem if path.suffix.lower() in COMPRESSIONS else path.name).suffix.lower()


def read_bytes(path: Path) -> bytes:
    refuse_pointer(path)
    data = path.read_bytes()
    decompress = COMPRESSIONS.get(path.suffix.lower())
    if decompress is None:
        return data
    try:
        return decompress(data)
    except Exception as error:  # every compression has errors of its own
        raise DataError(
            f"{path}: cannot be decompressed ({type(error).__name__}); is it whole? fetch it anew, or unpack it and "
            "give the unpacked file"
        ) from None


def known_encoding(name: str) -> str:
    """The encoding of a name that a user gives. Errors: ConfigError."""
    try:
        "a".encode(name)
    except (LookupError, ValueError):
        raise ConfigError(f"--encoding {name}: Python knows no such encoding of text; for example cp1252") from None
    return name


def decode(path: Path, data: bytes, notes: list[str], other: str | None = None) -> str:
    """The text of a file; `other`: the encoding of one that is not in UTF-8, 16 or 32. Without it bytes that are not
    UTF-8 become lone surrogates, so that a bad row does not cost the file; its row is dropped."""
    encoding = _encoding(data)
    if encoding == "utf-8":
        text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8", errors="surrogateescape")
        if not not_utf8(text):
            return text
        if other is None:
            notes.append(NOT_UTF8)
            return text
        encoding = other
    notes.append(f"read as {encoding}")
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise DataError(f"{path}: is not {encoding} throughout; save it as UTF-8") from None


def _encoding(data: bytes) -> str:
    for bom, encoding in BOMS.items():
        if data.startswith(bom):
            return encoding
    for encoding, zeros in (("utf-16-le", data[1:400:2]), ("utf-16-be", data[0:400:2])):
        if len(zeros) > 1 and zeros.count(0) > len(zeros) // 2:  # Latin letters, no byte order mark
            return encoding
    return "utf-8"


def not_utf8(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
