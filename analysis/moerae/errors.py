"""Errors a user can act on: what failed; why it matters; what to do. Exit codes as in the C++ programs."""

from __future__ import annotations


class MoeraeError(Exception):
    exit_code = 1


class ConfigError(MoeraeError):
    """The command was asked for something that cannot be."""

    exit_code = 2


class DataError(MoeraeError):
    """A file is missing, damaged or not what it must be."""

    exit_code = 3
