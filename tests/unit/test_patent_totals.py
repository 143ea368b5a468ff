"""All patents by country, sector and year: made from the original byte for byte, and what counts are held against."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reestim.dims import LABELS
from reestim.errors import InputError
from reestim.importers.all_patents import ORIGINAL, main
from reestim.labels.patent_totals import ALL_PATENTS_FILE, OTHER, OTHER_EU, patent_totals
from reestim.labels.plausibility import FAR, Plausibility, plausibility
from tests.unit.originals import folder_with

#: Patents by label beside those on rare earths.
SPLIT = (1.0, 0.6, 0.3, 0.1)
CELL = ["country", "sector", "year"]


def made(share: float = 0.002, countries: tuple[str, ...] = ("CHN", "JPN", "USA")) -> pd.DataFrame:
    """Sums of labelled patents: in each cell this share of all patents is on rare earths, as many are unrelated."""
    totals = patent_totals()
    cells = totals[totals["country"].isin(countries) & totals["sector"].isin(["chemicals", "electrical_optical"])]
    number = share * cells["total"]
    parts = [cells[CELL].assign(label=label, count=number * part) for label, part in zip(LABELS, SPLIT, strict=True)]
    return pd.concat(parts, ignore_index=True)


def changed(sums: pd.DataFrame, rows: pd.Series, times: float) -> pd.DataFrame:
    return sums.assign(count=sums["count"].where(~rows, times * sums["count"]))


def said(found: Plausibility) -> str:
    return " | ".join(found.sentences[1:])


def test_the_totals_are_those_of_the_source() -> None:
    """World totals of three years and two countries, as printed there; up to three hundredths have no field."""
    totals = patent_totals()
    world = totals.groupby("year")["total"].sum()
    np.testing.assert_allclose(world[[2000, 2008, 2018]], [266_166, 363_851, 676_256], rtol=0.03)
    by_country = totals.groupby(["country", "year"])["total"].sum()
    assert by_country["JPN", 2010] == pytest.approx(152_795, rel=0.03)
    assert by_country["IND", 2010] == pytest.approx(598, rel=0.03)
    assert sorted(totals["year"].unique()) == list(range(1998, 2019))
    assert {OTHER_EU, OTHER} < set(totals["country"])
    assert not totals.duplicated(CELL).any()
    assert (totals["total"] >= 0).all()
    regions = patent_totals(regions=True)
    assert regions["total"].sum() == pytest.approx(totals["total"].sum())
    assert len(regions) == 10 * totals["sector"].nunique() * 21


def test_one_command_makes_them_byte_for_byte(shared_data: Path, tmp_path: Path) -> None:
    originals = folder_with({"totals": ORIGINAL}, shared_data)
    main(["--originals", str(originals), "--out", str(tmp_path / "again.csv")])
    assert (tmp_path / "again.csv").read_bytes() == ALL_PATENTS_FILE.read_bytes()
    with pytest.raises(InputError, match="an original is missing"):
        main(["--originals", str(tmp_path), "--out", str(tmp_path / "none.csv")])
    assert [path.name for path in tmp_path.iterdir()] == ["again.csv"]


def test_an_even_share_is_plausible_and_its_size_is_said() -> None:
    found = plausibility(made())
    assert found.number == pytest.approx(0.002 * found.total)
    assert "1 in 500" in found.sentences[0]
    np.testing.assert_allclose(found.by_country["number"], found.by_country["expected"])
    np.testing.assert_allclose(found.by_year["number"], found.by_year["expected"])
    whole = plausibility(made(countries=tuple(patent_totals()["country"].unique())))
    assert said(whole) == f"nothing stands out: no country or year is {FAR:g} times off its share"
    assert "not in the file: KOR" in said(found)
    assert "without a single label: KOR" in said(plausibility(made(), {"KOR": 3}))


def test_a_country_with_too_few_is_named_with_its_unlabelled_texts() -> None:
    sums = made()
    found = said(plausibility(changed(sums, sums["country"] == "CHN", 0.02), {"CHN": 900}))
    assert "few for all that they patent: CHN has" in found
    assert "900 without a label" in found
    assert "JPN has" not in found


def test_a_country_with_too_many_is_named() -> None:
    sums = made()
    found = said(plausibility(changed(sums, sums["country"] == "USA", 20.0)))
    assert "many for all that they patent: USA has" in found
    assert "an office" in found
    assert "few for" not in found


def test_years_that_a_search_does_not_cover_are_named() -> None:
    sums = made()
    found = said(plausibility(changed(sums, sums["year"] >= 2017, 0.05)))
    assert "few for the year: 2017 has" in found
    assert "; 2018 has" in found


def test_more_than_a_tenth_of_all_patents_is_too_many() -> None:
    sums = made()
    one = (sums["country"] == "JPN") & (sums["sector"] == "chemicals") & sums["year"].between(2005, 2009)
    assert "JPN chemicals 2005-2009" in said(plausibility(changed(sums, one, 200.0)))
    assert "more than" not in said(plausibility(changed(sums, one, 3.0)))


def test_what_has_no_total_is_counted_and_not_compared() -> None:
    sums = made()
    other = pd.DataFrame(
        [("XKX", "chemicals", 2010, "using", 7.0), ("JPN", "chemicals", 2021, "enhancing", 5.0)],
        columns=[*CELL, "label", "count"],
    )
    found = plausibility(pd.concat([sums, other]))
    assert found.not_compared == {"country XKX": 7.0, "years after 2018": 5.0}
    assert found.number == pytest.approx(plausibility(sums).number)
    assert "country XKX (7), years after 2018 (5)" in said(found)
    assert "nothing was compared" in plausibility(other.assign(country="XKX")).sentences[0]


def test_rests_of_the_bundled_datasets_have_totals() -> None:
    sums = made(countries=("DEU", "FRA", "JPN"))
    found = plausibility(sums.replace({"country": {"FRA": "REU"}}))
    assert found.not_compared == {}
    assert found.total > plausibility(sums).total  # REU is more than France
    beside = plausibility(pd.concat([sums, sums.replace({"country": {"FRA": "ROW", "DEU": "ROW", "JPN": "ROW"}})]))
    assert list(beside.not_compared) == ["country ROW"]  # of somebody's own regions: nobody knows what is in it


def test_sectors_of_ones_own_are_compared_by_country_and_year() -> None:
    found = plausibility(made().replace({"sector": {"chemicals": "C20", "electrical_optical": "C26"}}))
    assert set(found.cells["sector"]) == {"all"}
    assert "sectors are not known" in found.sentences[0]
    assert found.number == pytest.approx(plausibility(made()).number)
