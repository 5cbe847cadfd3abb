"""Why one row cannot be put to the model."""

from __future__ import annotations


class Unfit(Exception):
    """The row is dropped under this reason and the corpus goes on; the reason holds no text of the row."""
