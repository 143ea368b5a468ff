"""The map of tiles has a place for every country, and the parts of welfare add up to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from reestim.reports.figures.tile_map import _PLACE, places, tile_map
from reestim.reports.figures.welfare_parts import TOTAL, parts_table, welfare_parts

COUNTRIES = Path(__file__).resolve().parents[2] / "reestim" / "importers" / "concordances" / "countries.csv"
#: The countries of the World Input-Output Database, 2013 release, as it writes them.
_WIOD = """
AUS AUT BEL BGR BRA CAN CHN CYP CZE DEU DNK ESP EST FIN FRA GBR GRC HUN IDN IND IRL ITA JPN KOR LTU LUX LVA MEX MLT NLD
POL PRT ROM RUS SVK SVN SWE TUR TWN USA
"""
WIOD = _WIOD.split()


def test_every_tile_is_a_country_and_no_two_share_a_place() -> None:
    known = set(pd.read_csv(COUNTRIES, keep_default_na=False)["alpha3"])
    assert set(_PLACE) - {"ROM"} <= known
    assert len(set(_PLACE.values())) == len(_PLACE) - 1  # ROM and ROU are one


@pytest.mark.parametrize("labels", [[*WIOD, "ROW"], ["USA", "ROW"], ["a", "b", "c", "d", "e"], ["ROU", "ROM", "DEU"]])
def test_tiles_are_closed_up_and_what_is_no_country_is_in_the_strip_below(labels: list[str]) -> None:
    found = places(labels)
    assert sorted(found) == sorted(labels)
    assert len(set(found.values())) == len(labels)
    rows = {row for row, _ in found.values()}
    assert rows == set(range(len(rows))), "no empty row"
    on_grid = [found[name][0] for name in labels if name in _PLACE and name != "ROM"]
    strip = [found[name][0] for name in labels if name not in _PLACE]
    assert not on_grid or not strip or max(on_grid) < min(strip)


def test_west_is_left_of_east_and_north_above_south() -> None:
    found = places([*WIOD, "ROW"])
    assert found["USA"][1] < found["DEU"][1] < found["IND"][1] < found["CHN"][1] < found["JPN"][1]
    assert found["SWE"][0] < found["ITA"][0]
    assert found["CAN"][0] < found["USA"][0] < found["BRA"][0]


def test_a_map_says_what_it_shows_and_survives_missing_draws_and_no_change_at_all() -> None:
    lead = ("technology", "chain", "draw", "country")
    values = np.zeros((1, 1, 4, 3))
    values[..., 2] = np.nan
    coords = {"technology": ["fixed"], "country": ["USA", "ROW", "JPN"]}
    picture = tile_map(xr.DataArray(values, coords=coords, dims=lead), ["USA"], "map")
    assert "United States: fixed 0; Rest of the world: fixed 0; Japan: fixed not available" in picture.alt
    assert "United States may lie beyond" in picture.caption


def test_parts_add_up_to_the_exact_change_draw_by_draw_and_so_do_their_means() -> None:
    rng = np.random.default_rng(1)
    lead, shape = ("scenario", "technology", "chain", "draw", "country"), (1, 2, 1, 6, 2)
    names = ("terms_of_trade", "volume_of_trade", "technology_effect", "endowment_effect")
    ds = xr.Dataset({name: (lead, rng.normal(size=shape)) for name in names})
    ds["welfare"] = (lead, 0.01 * rng.normal(size=shape))
    solved = np.ones(shape[:-1], bool)
    solved[0, 0, 0, 2] = False
    ds["solved"] = (lead[:-1], solved)
    ds = ds.assign_coords(scenario=["s"], technology=["fixed", "directed"], country=["USA", "JPN"])
    parts = welfare_parts(ds)
    exact = parts.sel(part=TOTAL)
    np.testing.assert_allclose(parts.drop_sel(part=TOTAL).sum("part", skipna=False), exact, atol=1e-12)
    assert np.isnan(exact).sum() == 2
    table = parts_table(ds).set_index(["country", "technology", "part"])["mean_percent"].sort_index()
    one = table.loc["JPN", "directed"]
    assert one.drop(TOTAL).sum() == pytest.approx(one[TOTAL])
    assert one[TOTAL] == pytest.approx(
        float(100 * np.expm1(ds["welfare"]).sel(technology="directed", country="JPN").mean())
    )
