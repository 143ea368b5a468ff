"""The publisher's own workbooks of two countries: Japan's give accounts, Ireland's say what they lack."""

from __future__ import annotations

from pathlib import Path

import pytest

from reestim.data.growth_accounts import account_problems
from reestim.errors import InputError
from reestim.evidence.productivity import growth_accounting
from reestim.importers.imported import ImportOptions
from reestim.importers.sources import euklems


def _workbooks(shared_data: Path, country: str) -> list[Path]:
    files = sorted((shared_data / "panels" / "euklems_jp_ie").glob(f"{country}_*.xlsx"))
    if not files:
        pytest.skip(f"the workbooks of {country} are not in ../shared/data/panels/euklems_jp_ie")
    return files


def test_japan_gives_accounts_of_gross_output(shared_data: Path, tmp_path: Path) -> None:
    found = euklems.read(_workbooks(shared_data, "JP"), ImportOptions(), tmp_path)
    accounts = found.tables["growth_accounts"]
    assert account_problems(accounts) == []
    assert set(accounts["country"]) == {"JPN"}
    assert accounts["sector"].nunique() >= 18
    assert {2009, 2010, 2011} <= set(accounts["year"])
    growth = growth_accounting(accounts)["tfp_growth"].sel(country="JPN")
    assert abs(float(growth.mean())) < 0.05  # a year, of gross output


def test_ireland_says_which_figures_it_lacks(shared_data: Path, tmp_path: Path) -> None:
    """Volumes of output of one industry, labour and capital of the total economy only: no account can be made."""
    with pytest.raises(InputError) as caught:
        euklems.read(_workbooks(shared_data, "IE"), ImportOptions(), tmp_path)
    said = {str(problem.column): problem for problem in caught.value.problems}
    assert set(said) == {"GO_Q", "II_Q", "LAB", "CAP", "LAB_QI", "CAP_QI"}
    for name in ("LAB", "CAP", "LAB_QI", "CAP_QI"):
        assert "of the whole economy alone" in said[name].message
        assert said[name].value == "IRL TOT"
    assert "in 14 of 56 industries" in said["GO_Q"].message
    assert "IRL C26-C27" in str(said["GO_Q"].value)
