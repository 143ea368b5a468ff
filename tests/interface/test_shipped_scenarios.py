"""The scenarios that ship: each is read, says where its figures come from, and has an equilibrium."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

import reestim as ree
from reestim.errors import InputError
from tests.conftest import PROJECT

FILES = sorted((PROJECT / "models" / "scenarios").glob("*.toml"))
DATED = ("china-quota-2009-2014", "importers-with-stocks")
PARAMETERS = ree.Parameters(sigma=0.5, kappa=1.2, spillover=0.5, adjustment_rate=0.3)


@pytest.fixture(scope="module")
def economy() -> ree.Economy:
    return ree.Economy.from_dataset(ree.load_dataset("rare-earths-2010"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_figure_has_a_source(path: Path) -> None:
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    assert content["name"] == path.stem
    tables = [entry for value in content.values() if isinstance(value, list) for entry in value]
    assert tables
    assert all(entry.get("source") or content.get("source") for entry in tables)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_solves_with_fixed_and_directed_technology(path: Path, economy: ree.Economy) -> None:
    scenario = ree.read_scenario(path)
    found = {t: ree.solve(economy, scenario, PARAMETERS, technology=t) for t in ("fixed", "directed")}
    for one in found.values():
        assert bool(one.solved)
        assert float(np.abs(one.welfare).max()) > 1e-9
    assert (
        float(np.abs(found["fixed"].ree_technology).max()) == 0 < float(np.abs(found["directed"].ree_technology).max())
    )


@pytest.mark.parametrize("name", DATED)
def test_the_dated_ones_solve_year_by_year(name: str, economy: ree.Economy) -> None:
    scenario = ree.read_scenario(PROJECT / "models" / "scenarios" / f"{name}.toml")
    path = ree.solve(economy, scenario, PARAMETERS, technology="transition", years=range(2009, 2017))
    assert bool(path.solved.all())
    rent = path.quota_rent.sel(country="CHN").sum("sector")
    held = {2009, *range(2010, 2015)} if name == "china-quota-2009-2014" else set(range(2010, 2015))
    for year in path.year.values:
        assert (float(rent.sel(year=year)) > 0) == (int(year) in held), year
    if name == "importers-with-stocks":  # while the stock lasts the price rises less
        price = path.ree_price.sel(country="JPN", sector="electrical_optical")
        assert float(price.sel(year=2011)) < float(price.sel(year=2012))


def test_a_mine_in_australia_lowers_prices_abroad(economy: ree.Economy) -> None:
    with pytest.raises(InputError, match="too little"):  # China buys only at home, and is too much of the market
        economy.with_mine("AUS", "Nd", 0.9)
    made = economy.with_mine("AUS", "Nd", 0.01)
    wider = ree.Scenario(name="australia", policies=(ree.SupplyShock("AUS", "Nd", 5.0),))
    found = ree.solve(made, wider, PARAMETERS)
    assert float(found.price.sel(country="JPN", sector="Nd")) < -0.01
    assert float(found.price.sel(country="JPN", sector="Nd")) < float(found.price.sel(country="CHN", sector="Nd"))
