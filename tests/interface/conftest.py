"""A posterior and a counterfactual that nobody estimated: known numbers in the shape of a real run."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from reestim.dims import LABELS
from reestim.io.json_text import json_text
from reestim.runs.record import RunRecord
from tests.interface.faked_run import DRAWS, cli, faked, place  # noqa: F401 - fixtures
from tests.oracles import random_economy

COUNTRIES = ["CHN", "JPN", "R&D <b>land</b>"]
SECTORS = ["farming", "machinery", "electronics", "La", "Nd"]
USERS = ["machinery", "electronics"]
CHAINS = 2


def economy_dataset() -> xr.Dataset:
    """A consistent world of three countries, three goods, two elements, with the labels above."""
    ds = random_economy(5, countries=3, goods=3, elements=2, zero_flows=False, ree_share=(1e-4, 1e-2)).ds
    factors = ["labor", "capital", "resource_La", "resource_Nd"]
    names = {"country": COUNTRIES, "importer": COUNTRIES, "exporter": COUNTRIES, "sector": SECTORS, "input": SECTORS}
    ds = ds.assign_coords(**names, factor=factors, element=SECTORS[3:])
    ds = ds.assign(expenditure=ds["expenditure"] * 1e6)
    for stated in ("factor_income", "deficit"):
        ds = ds.drop_vars(stated, errors="ignore")
    return ds.assign_attrs(base_year=2008, name="a world of three", units="million US$ and t REO")


def counterfactual_dataset(rng: np.random.Generator) -> xr.Dataset:
    """Welfare in ten-thousandths of a per cent, so that a report that rounds to two digits shows nothing but zeros."""
    coords = {
        "scenario": ["china-quota-2010"],
        "technology": ["fixed", "directed"],
        "chain": range(CHAINS),
        "draw": range(DRAWS),
        "country": COUNTRIES,
        "sector": SECTORS,
    }
    lead = ("scenario", "technology", "chain", "draw")
    sizes = {name: len(values) for name, values in coords.items()}

    def change(dims: tuple[str, ...], center: np.ndarray, spread: float) -> xr.DataArray:
        shape = [sizes[d] for d in (*lead, *dims)]
        values = center + spread * rng.normal(size=shape)
        return xr.DataArray(values, dims=(*lead, *dims), attrs={"long_name": "a change", "units": "log change"})

    center = np.array([[2e-6, -3e-6, -1e-6], [1e-6, 1e-6, 5e-7]])[None, :, None, None, :]
    by_cell = np.repeat(center[..., None], len(SECTORS), axis=-1) * 10
    solved = np.ones([sizes[d] for d in lead], dtype=bool)
    solved[0, 1, 0, 3] = False
    terms = change(("country",), 100 * center, 2e-5)  # per cent
    technology = change(("country",), 100 * center * np.array([0.0, 0.4])[None, :, None, None, None], 0.0)
    nothing = 0.0 * terms
    welfare = change(("country",), center, 2e-7).where(xr.DataArray(solved, dims=lead))
    ds = xr.Dataset(
        {
            "welfare": welfare,
            "real_wage": change(("country",), center, 2e-7),
            "terms_of_trade": terms,
            "volume_of_trade": nothing,
            "technology_effect": technology,
            "endowment_effect": nothing,
            "exports": change(("country", "sector"), by_cell, 1e-6),
            "output": change(("country", "sector"), by_cell, 1e-6),
            "solved": (lead, solved),
            "residual": (lead, np.full(solved.shape, 1e-13)),
            "steps": (lead, np.full(solved.shape, 5)),
            "reason": (lead, np.where(solved, 0, 2)),
        },
        coords=coords,
    )
    quota = {"policy": "export_quota", "exporter": "CHN", "elements": "all", "quantity_change": 0.53}
    scenario = {"description": "a quota", "year": 2010, "policies": [quota]}
    ds.attrs = {"scenarios": json_text({"china-quota-2010": scenario}), "draws": "80 of 80 posterior draws"}
    return ds


def make_post(seed: int = 0) -> xr.DataTree:
    """The whole tree, with the attributes that a run has."""
    rng = np.random.default_rng(seed)

    def parameters(spread: float) -> xr.Dataset:
        def around(center: float, *dims: int) -> np.ndarray:
            return center * np.exp(spread * rng.normal(size=(CHAINS, DRAWS, *dims)))

        lead = ("chain", "draw")
        return xr.Dataset(
            {
                "sigma": ((*lead, "sector"), around(0.5, 2), {"long_name": "elasticity of substitution", "units": "1"}),
                "kappa": (lead, around(1.0), {"long_name": "direction of research", "units": "1"}),
                "spillover": (lead, around(1.6), {"long_name": "spillover", "units": "1"}),
                "spillover_gap": (lead, around(0.1), {"long_name": "spillover gap", "units": "1"}),
                "innovation_passthrough": ((*lead, "sector"), around(0.3, 2), {"units": "1"}),
                "confusion": ((*lead, "true_label", "label"), np.full((CHAINS, DRAWS, 4, 4), 0.25), {"units": "1"}),
            },
            coords={
                "chain": range(CHAINS),
                "draw": range(DRAWS),
                "sector": USERS,
                "true_label": list(LABELS),
                "label": list(LABELS),
            },
        )

    tree = xr.DataTree.from_dict(
        {
            "posterior": parameters(0.2),
            "prior": parameters(0.6),
            "sample_stats": xr.Dataset({"diverging": (("chain", "draw"), np.zeros((CHAINS, DRAWS), dtype=bool))}),
            "counterfactual": counterfactual_dataset(rng),
            "economy": economy_dataset(),
        }
    )
    gates = [
        {"gate": "divergences", "value": 0, "threshold": 0, "passed": True},
        {"gate": "r_hat", "value": 1.004, "threshold": 1.01, "passed": True},
    ]
    tree.attrs = {"gates": json_text({"passed": True, "gates": gates})}
    record = {
        "spec": {"name": "fake", "text": "name = 'fake'", "hash": "abc"},
        "provenance": {
            "dataset": "stylised",
            "hash": "123",
            "base_year": 2008,
            "synthetic": ["patent_labels.csv"],
            "imputed": [],
        },
        "seed": 1,
        "command": "reestim run",
    }
    return RunRecord.of(tree).updated(record).attached(tree)


def with_everything(post: xr.DataTree) -> xr.DataTree:
    """The same with a second scenario, the years of a transition (its quota ends in 2011) and shares of variance."""
    ds = post["counterfactual"].to_dataset()
    other = ds.assign(welfare=1.5 * ds["welfare"] - 1e-7, exports=1.2 * ds["exports"])
    two = xr.concat([ds, other.assign_coords(scenario=["ban <heavy>"])], "scenario", combine_attrs="override")
    years = xr.DataArray([2010, 2011, 2012], dims="year", coords={"year": [2010, 2011, 2012]})
    fading = 1 / (1 + years - 2010)
    for name in ("welfare", "exports"):
        two[f"{name}_path"] = two[name].sel(technology="fixed", drop=True) * fading
    solved = two["solved"].sel(technology="directed", drop=True).expand_dims(year=years)
    two["solved_path"] = solved
    first = two["scenario"] == ds["scenario"].values[0]
    rent = xr.zeros_like(two["exports_path"]).where(two["exports_path"].notnull(), 0.0)
    at = (two["country"] == "CHN") & (two["sector"] == "Nd") & (years < 2012) & first
    two["quota_rent_path"] = rent + 5.0 * at
    post["counterfactual"] = xr.DataTree(two)
    lead = ("scenario", "technology", "country")
    shape = (2, 2, len(COUNTRIES))
    shares = np.array([[0.7, 0.0, 0.3], [0.5, 0.3, 0.2]])[None, :, None]  # by technology: κ has none where it is fixed
    post["welfare_variance"] = xr.DataTree(
        xr.Dataset(
            {
                "share": ((*lead, "source"), np.broadcast_to(shares, (*shape, 3))),
                "share_error": ((*lead, "source"), np.full((*shape, 3), 0.03)),
                "sd": (lead, np.full(shape, 2e-7)),
                "left_out": (lead[:2], np.zeros(shape[:2], int)),
            },
            coords={
                "scenario": two["scenario"].values,
                "technology": ["fixed", "directed"],
                "country": COUNTRIES,
                "source": ["sigma", "kappa", "element_use"],
            },
            attrs={"draws": 40, "of": 80, "seed": 0, "inputs": "drawn"},
        )
    )
    post["inputs"] = xr.DataTree(
        xr.Dataset(coords=two[["chain", "draw"]].coords, attrs={"seed": 1, "sources": "element_use"})
    )
    return post


@pytest.fixture(scope="session")
def fake_run() -> xr.DataTree:
    return make_post()


@pytest.fixture
def post(fake_run: xr.DataTree) -> xr.DataTree:
    """A fresh copy of the fake run."""
    return fake_run.copy(deep=True)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures of a report stay blank, which saves most of its time: for tests of what the page says."""
    monkeypatch.setattr("reestim.reports.section.image", lambda *_: b"")
