"""Where applications happen: shares by groups of countries, their rules, and the use of rare earths that follows."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from reestim.data.dataset import check_dataset, load_dataset
from reestim.errors import InputError
from reestim.importers.ree_facts import country_use
from reestim.io.resources import REAL, SIMULATED
from reestim.supply_chain.accounts import accounts
from reestim.supply_chain.application_use import application_use, stated_use
from reestim.supply_chain.ree_rows import ree_input_output

HEAD = "application,stage,countries,share,source,verified\n"
SOUND = "magnets,processing,CHN,0.7,read: x,true\nmagnets,processing,JPN KOR,0.2,read: x,true\n"
REST = "magnets,processing,all but CHN JPN KOR,0.1,read: x,true\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(SIMULATED, copy, ignore=shutil.ignore_patterns("sources", "patent*", "label*", "outcomes*"))
    text = (copy / "dataset.toml").read_text()
    start, end = text.index("synthetic = ["), text.index("imputed = [")
    (copy / "dataset.toml").write_text(text[:start] + text[end:])
    return copy


def test_groups_share_an_application_as_stated_and_by_output_within(folder: Path) -> None:
    (folder / "country_use.csv").write_text(HEAD + SOUND + REST)
    data = load_dataset(folder)
    made = accounts(data).output.sel(sector=list(data.goods))
    placed = stated_use(data, made / made.sum("country"), made)
    assert placed is not None
    tonnes, weight = application_use(data)
    np.testing.assert_allclose(
        placed.sum("country"), (tonnes * weight).sum("application").transpose("element", "sector")
    )
    # terbium and dysprosium are used in magnets alone, as are they in machinery
    dy = placed.sel(element="Dy")
    np.testing.assert_allclose(dy.sel(country="CHN").sum("sector") / dy.sum(["country", "sector"]), 0.7)
    pair = dy.sel(country=["JPN", "KOR"], sector="machinery")
    np.testing.assert_allclose(pair.sum() / dy.sel(sector="machinery").sum(), 0.2)
    np.testing.assert_allclose(
        pair / pair.sum(),
        made.sel(country=["JPN", "KOR"], sector="machinery")
        / made.sel(country=["JPN", "KOR"], sector="machinery").sum(),
    )


def test_without_the_file_use_follows_output(folder: Path) -> None:
    data = load_dataset(folder)
    made = accounts(data).output.sel(sector=list(data.goods))
    assert stated_use(data, made / made.sum("country"), made) is None
    share = ree_input_output(data)["ree_share"].sel(sector="machinery")
    np.testing.assert_allclose(share.sel(country="JPN"), share.sel(country="USA"))  # nothing tells them apart


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (SOUND, "the shares of the application do not sum to 1"),
        (SOUND + REST.replace("all but CHN JPN KOR", "CHN"), "the key is repeated"),
        (SOUND + REST.replace("all but CHN JPN KOR", "all but CHN"), "JPN is in two groups of magnets"),
        (SOUND + REST.replace("all but CHN JPN KOR", "XXX"), "'XXX' is not a country here"),
        (SOUND + REST.replace("processing", "final"), "the application mixes stages"),
        (SOUND + REST.replace("processing", "mining"), "unknown stage"),
        (SOUND + REST.replace("magnets", "magnet"), "unknown application"),
        (SOUND + REST.replace("0.1", "1.1"), "a share of world use must lie between 0 and 1"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, rows: str, said: str) -> None:
    (folder / "country_use.csv").write_text(HEAD + rows)
    problems = check_dataset(folder)
    assert any(p.message.startswith(said) and p.file == "country_use.csv" for p in problems), problems


def test_a_group_that_makes_nothing_of_it_is_named(folder: Path) -> None:
    (folder / "country_use.csv").write_text(HEAD + SOUND + REST)
    data = load_dataset(folder)
    made = accounts(data).output.sel(sector=list(data.goods)).copy()
    made.loc[{"country": ["JPN", "KOR"], "sector": "machinery"}] = 0.0
    with pytest.raises(InputError, match="make nothing of what magnets goes into"):
        stated_use(data, made / made.sum("country"), made)


def test_groups_go_to_the_regions_of_another_mapping_unless_it_mixes_them() -> None:
    own = {c: c for c in ("CHN", "JPN", "KOR", "USA", "DEU", "FRA", "ROM", "RoW")} | {"RoW": "ROW"}
    placed, said = country_use(REAL, own)
    assert said == []
    magnets = placed[placed["application"] == "magnets"].set_index("countries")["share"]
    assert magnets.to_dict() == {"CHN": 0.794, "JPN": 0.193, "DEU FRA ROM": 0.013}
    np.testing.assert_allclose(placed.groupby("application")["share"].sum(), 1.0, atol=1e-5)
    placed, said = country_use(REAL, own | {"JPN": "ASIA", "FRA": "ASIA"})
    assert placed.empty
    assert "the regions mix its groups of countries" in said[0]
    assert country_use(SIMULATED, own)[1] == []  # facts without shares
