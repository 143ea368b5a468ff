"""Gains from trade: autarky by the solver is the closed form; WIOD 2008 against Costinot and Rodríguez-Clare (2014)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import reestim as ree
from reestim.errors import InputError
from replications import gains
from tests.oracles import random_economy
from tests.replication.page import printed, without_rounding_errors


@pytest.fixture(scope="module")
def economies(shared_data: Path) -> dict[str, ree.Economy]:
    if not (shared_data / "wiod2013").is_dir():
        pytest.skip("the World Input-Output Database is not in ../shared/data")
    return gains.economies(gains.world(shared_data))


#: The hardest one in the default suite: each is compiled anew.
EACH = ["intermediates", *(pytest.param(name, marks=pytest.mark.slow) for name in ("one_sector", "many_sectors"))]


@pytest.mark.parametrize("name", EACH)
def test_autarky_is_the_closed_form_for_every_country(economies: dict[str, ree.Economy], name: str) -> None:
    economy = economies[name]
    assert len(economy.countries) == 34
    assert len(economy.sectors) == (1 if name == "one_sector" else 30)
    closed = gains.closed_form(economy)
    found = gains.autarky(economy)
    np.testing.assert_allclose(found.real_wage, closed, atol=1e-12)
    assert found.imports < 1e-15
    np.testing.assert_allclose(gains.autarky(economy, shrink=30.0).real_wage, closed, atol=1e-10)


def test_printed_figures(economies: dict[str, ree.Economy]) -> None:
    """Medians and means, not every country: the release is not the paper's, and the figures are recalled."""
    given = gains.printed()
    assert not given["verified"].any()
    # Medians of the gaps, and gaps of the means, percentage points.
    for name, median, mean in (("one_sector", 0.05, 0.15), ("many_sectors", 0.1, 0.15), ("intermediates", 0.5, 0.4)):
        ours = -100 * np.expm1(gains.closed_form(economies[name]))
        assert (ours - given[name]).abs().median() < median
        assert abs(ours.mean() - given.loc["mean", name]) < mean
    usa = {name: -100 * np.expm1(gains.closed_form(economy)["USA"]) for name, economy in economies.items()}
    assert [round(x, 1) for x in usa.values()] == [1.8, 4.5, 8.3]


@pytest.mark.slow
def test_the_page_prints_them(economies: dict[str, ree.Economy], shared_data: Path) -> None:
    assert economies
    made = gains.table(shared_data).markdown()
    assert without_rounding_errors(made) == without_rounding_errors(printed("gains"))


def test_one_sector_is_arkolakis_costinot_rodriguez_clare() -> None:
    """The closed form itself, on an economy that nobody measured."""
    economy = random_economy(3, countries=3, goods=1, elements=0, factors=1, taxes=False, zero_flows=False)
    own = np.einsum("nns->ns", np.asarray(economy.baseline.trade_share))[:, 0]
    labor = np.asarray(economy.ds["factor_share"].sum("factor"))[:, 0]
    expected = np.log(own) / float(economy.ds["trade_elasticity"][0]) / labor
    np.testing.assert_allclose(gains.closed_form(economy), expected, rtol=1e-12)
    assert isinstance(gains.closed_form(economy), pd.Series)


def test_a_missing_table_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="world table of 2008"):
        gains.world(tmp_path)
