"""Expected value of partial perfect information against its closed form for normals."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.errors import InputError

DRAWS = 1500


def post(seed: int = 0) -> xr.DataTree:
    """Welfare, log change: a = x + 0.5y + 0.3e, b = y² (κ is x, ξ is y; σ of one sector says nothing)."""
    rng = np.random.default_rng(seed)
    x, y, e = rng.standard_normal((3, 2, DRAWS))
    welfare = 1e-4 * np.stack([x + 0.5 * y + 0.3 * e, y**2], axis=-1)
    coords = {"chain": [0, 1], "draw": np.arange(DRAWS)}
    by = ("chain", "draw")
    draws = xr.Dataset(
        {"kappa": (by, np.exp(x)), "spillover": (by, np.exp(y)), "sigma": ((*by, "sector"), rng.random((2, DRAWS, 1)))},
        coords=coords | {"sector": ["g"]},
    )
    found = xr.Dataset(
        {
            "welfare": (("scenario", "technology", *by, "country"), welfare[None, None]),
            "solved": (("scenario", "technology", *by), np.ones((1, 1, 2, DRAWS), bool)),
        },
        coords=coords | {"scenario": ["s"], "technology": ["fixed"], "country": ["a", "b"]},
    )
    inputs = xr.Dataset(
        {"element_price": ((*by, "element"), np.exp(e)[..., None])}, coords=coords | {"element": ["Nd"]}
    )
    return xr.DataTree.from_dict({"posterior": draws, "counterfactual": found, "inputs": inputs})


def test_the_fall_of_the_band_is_the_closed_form_of_normals() -> None:
    """Known x leaves a normal with variance 1 − ρ² of what it was: band·(1 − √(1−ρ²))."""
    found = ree.evppi(post()).sel(scenario="s", technology="fixed", country="a")
    total = 1 + 0.25 + 0.09
    exact_band = 2 * 1.6448536 * 1e-2 * np.sqrt(total)
    assert float(found["band"]) == pytest.approx(exact_band, rel=0.05)
    for name, variance in (("kappa", 1.0), ("spillover", 0.25), ("element_price[Nd]", 0.09), ("sigma[g]", 0.0)):
        exact = exact_band * (1 - np.sqrt(1 - variance / total))
        one = found.sel(component=name)
        assert abs(float(one["reduction"]) - exact) < 4 * float(one["reduction_error"]) + 0.01 * exact_band, name
    assert list(found["component"].values) == ["sigma[g]", "kappa", "spillover", "element_price[Nd]"]


def test_what_matters_by_its_square_is_found() -> None:
    """Welfare y² has no correlation with y, and is known when y is."""
    found = ree.evppi(post()).sel(scenario="s", technology="fixed", country="b")
    assert float(found["reduction"].sel(component="spillover")) > 0.5 * float(found["band"])
    assert float(found["reduction"].sel(component="kappa")) < 0.02 * float(found["band"])


def test_noise_is_not_taken_for_a_finding() -> None:
    """Of two hundred numbers that say nothing the best looks like something with sixty draws; x is found still."""
    few = post()
    rng = np.random.default_rng(4)
    found = few["counterfactual"].to_dataset().isel(draw=slice(30))
    draws = few["posterior"].to_dataset()
    noise = rng.normal(size=(2, DRAWS, 200))
    draws = draws.drop_vars(["sigma", "sector"]).assign(sigma=(("chain", "draw", "sector"), np.exp(noise)))
    few["counterfactual"], few["posterior"] = xr.DataTree(found), xr.DataTree(draws.assign_coords(sector=range(200)))
    one = ree.evppi(few).sel(scenario="s", technology="fixed", country="a")
    said = one["component"].values[one["beyond_chance"].values].tolist()
    assert said == ["kappa"]
    assert float(one["reduction"].drop_sel(component="kappa").max()) > 0.1 * float(one["band"])


def test_what_is_missing_is_said() -> None:
    with pytest.raises(InputError, match="no counterfactual"):
        ree.evppi(post().filter(lambda node: node.name != "counterfactual"))
    few = post()
    few["counterfactual"] = xr.DataTree(
        few["counterfactual"].to_dataset().assign(solved=lambda ds: ds["solved"] & False)
    )
    assert bool(ree.evppi(few)["reduction"].isnull().all())
