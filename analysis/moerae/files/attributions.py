"""attribute/shard-NNNNNN.h5: refusal margins, and what masking each expert takes off them."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from moerae.files.hdf5 import reading


def read_attributions(path: Path) -> xr.Dataset:
    """margin [prompt] in nats, and under the name of every criterion its drops [prompt, layer, expert]."""
    with reading(path) as file:
        axes = {"prompt": file["prompt_id"][:], "layer": file["layer"][:], "expert": file["expert"][:]}
        drops = {name: (tuple(axes), data[:]) for name, data in file["drop"].items()}
        return xr.Dataset({"margin": ("prompt", file["margin"][:]), **drops}, axes)
