"""How a posterior reacts to parts of its log density (Kallioinen et al. 2024), and of which parameters that is said."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

from reestim.dims import CHAIN, DRAW, SECTOR
from reestim.draws import arviz_functions

#: Parameters that all sectors share, and their mean σ, with the symbols of docs/model.md.
SYMBOLS = {
    "kappa": "κ",
    "spillover": "ξ",
    "adjustment_rate": "λ",
    "spillover_gap": "ω",
    "mean_sigma": "mean σ",
}


def power_scaled(
    post: xr.DataTree, parts: Mapping[str, Mapping[str, Any]]
) -> tuple[list[str], dict[str, np.ndarray]] | None:
    """Sensitivity of each parameter to each part of the log density, by power-scaling.

    Parameters
    ----------
    post
        A run with the groups ``posterior``, ``log_prior`` and ``log_likelihood``.
    parts
        By name, what ``arviz.psense`` is to scale (``group``, ``group_var_names``).

    Returns
    -------
    names : list of str
        The parameters, those of `moving_draws`.
    values : dict
        By part, one number a parameter. None in place of both where the run keeps no log densities, or nothing moves.
    """
    if not {"log_prior", "log_likelihood"} <= set(post.children):
        return None
    az = arviz_functions()
    draws = moving_draws(post["posterior"].to_dataset())
    if not draws:
        return None
    log = {name: post[name].to_dataset() for name in ("log_prior", "log_likelihood")}
    flat = xr.concat([draw.drop_attrs() for draw in draws.values()], "parameter", coords="minimal", compat="override")
    tree = xr.DataTree.from_dict({"posterior": flat.rename("value").to_dataset(), **log})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sensitivity = {name: az.psense(tree, **scaled)["value"] for name, scaled in parts.items()}
    return list(draws), {name: np.asarray(one.values, float) for name, one in sensitivity.items()}


def moving_draws(ds: xr.Dataset) -> dict[str, xr.DataArray]:
    """Draws of κ, ξ, λ, ω, mean σ and σ of each sector, as far as they move.

    Parameters
    ----------
    ds
        Group ``posterior`` or ``prior``.

    Returns
    -------
    dict of xarray.DataArray
        By name, (chain, draw).
    """
    every = dict(_all_draws(ds))
    return {name: draws for name, draws in every.items() if bool((draws != draws[0, 0]).any())}


def _all_draws(ds: xr.Dataset) -> Iterator[tuple[str, xr.DataArray]]:
    by_sector = "sigma" in ds and set(ds["sigma"].dims) == {CHAIN, DRAW, SECTOR}
    for name in SYMBOLS:
        if name == "mean_sigma" and by_sector:
            yield name, ds["sigma"].mean(SECTOR).transpose(CHAIN, DRAW)
        elif name in ds and set(ds[name].dims) == {CHAIN, DRAW}:
            yield name, ds[name].transpose(CHAIN, DRAW)
    for sector in ds[SECTOR].values.tolist() if by_sector else []:
        yield f"sigma[{sector}]", ds["sigma"].sel({SECTOR: sector}, drop=True).transpose(CHAIN, DRAW)


def symbol(parameter: str) -> str:
    """The symbol of a parameter.

    Parameters
    ----------
    parameter
        ``kappa``, or with its label ``sigma[electronics]``.

    Returns
    -------
    str
        ``κ``, ``σ electronics``.

    Examples
    --------
    >>> from reestim.checks.power_scaling import symbol
    >>> symbol("kappa"), symbol("sigma[electronics]")
    ('κ', 'σ electronics')
    """
    return SYMBOLS.get(parameter) or f"σ {parameter.removeprefix('sigma[').removesuffix(']')}"
