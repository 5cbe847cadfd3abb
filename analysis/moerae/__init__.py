"""Corpora, readers and reports around the moerae programs."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
__all__ = ["open_run"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name == "open_run":  # lazily: xarray takes a second to import
        return import_module("moerae.reader").open_run
    raise AttributeError(f"module 'moerae' has no attribute {name!r}")
