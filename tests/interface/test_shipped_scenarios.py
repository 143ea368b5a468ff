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
#: Years in which a quota binds.
DATED = {
    "china-quota-2009-2014": {2009, *range(2010, 2015)},
    "importers-with-stocks": set(range(2010, 2015)),
    "china-quota-slack": set(),
}
#: Compile for a quarter of a minute.
LONG = {"china-quota-2009-2014", "china-production-2011"}
PARAMETERS = ree.Parameters(sigma=0.5, kappa=1.2, spillover=0.5, adjustment_rate=0.3)


@pytest.fixture(scope="module")
def economy() -> ree.Economy:
    return ree.Economy.from_dataset(ree.load_dataset("simulated-2010"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_figure_has_a_source(path: Path) -> None:
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    assert content["name"] == path.stem
    tables = [entry for value in content.values() if isinstance(value, list) for entry in value]
    assert tables
    assert all(entry.get("source") or content.get("source") for entry in tables)


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=pytest.mark.slow) if path.stem in LONG else path for path in FILES],
    ids=lambda path: path.stem,
)
def test_it_solves_with_fixed_and_directed_technology(path: Path, economy: ree.Economy) -> None:
    scenario = ree.read_scenario(path)
    found = {t: ree.solve(economy, scenario, PARAMETERS, technology=t) for t in ("fixed", "directed")}
    for one in found.values():
        assert bool(one.solved)
        assert float(np.abs(one.welfare).max()) > 1e-9
    assert (
        float(np.abs(found["fixed"].ree_technology).max()) == 0 < float(np.abs(found["directed"].ree_technology).max())
    )


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in DATED]
)
def test_the_dated_ones_solve_year_by_year(name: str, economy: ree.Economy) -> None:
    scenario = ree.read_scenario(PROJECT / "models" / "scenarios" / f"{name}.toml")
    path = ree.solve(economy, scenario, PARAMETERS, technology="transition", years=range(2009, 2017))
    assert bool(path.solved.all())
    rent = path.quota_rent.sel(country="CHN").sum("sector")
    for year in path.year.values:
        assert (float(rent.sel(year=year)) > 0) == (int(year) in DATED[name]), year
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


def test_the_quotas_of_2011_to_2013_are_slack_and_taxes_are_left(economy: ree.Economy) -> None:
    """Filled to 61, 52 and 73 %: the licence costs nothing, and only what is taxed more becomes dearer abroad."""
    scenario = ree.read_scenario(PROJECT / "models" / "scenarios" / "china-quota-slack.toml")
    for year in (2011, 2012, 2013):
        found = ree.solve(economy, scenario.at(year), PARAMETERS)
        assert float(found.licence_price.max()) == float(found.quota_rent.max()) == 0.0
    price = found.price.sel(country="JPN")
    assert float(price.sel(sector=["La", "Ce", "Nd"]).min()) > 0.03
    assert float(abs(price.sel(sector=["Eu", "Tb", "Dy"])).max()) < 0.01


def test_control_of_production_is_paid_inside_china_too(economy: ree.Economy) -> None:
    """The licence of the mine is in both prices, that of the border abroad only: prices inside China rise, less."""
    scenario = ree.read_scenario(PROJECT / "models" / "scenarios" / "china-production-2011.toml")
    found = ree.solve(economy, scenario, PARAMETERS, technology="fixed")
    elements = list(economy.elements)
    inside, abroad = (found.price.sel(country=c, sector=elements) for c in ("CHN", "JPN"))
    assert float(inside.min()) > 0
    assert (abroad >= inside - 1e-9).all()
    assert float(abroad.sel(sector="La")) > float(inside.sel(sector="La")) + 0.2


def test_the_second_half_of_2010_has_the_licence_price_that_was_read(economy: ree.Economy) -> None:
    """15 US$ per kg in August, 30-45 in autumn: the model's σ = .5 gives the size, not the figure."""
    scenario = ree.read_scenario(PROJECT / "models" / "scenarios" / "china-quota-2010-second-half.toml")
    found = ree.solve(economy, scenario, PARAMETERS)
    assert 15 < float(found.licence_price.max()) < 60
