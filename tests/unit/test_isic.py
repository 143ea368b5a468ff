"""Industries by their ISIC code: the sectors of the shipped concordance, other editions' lists, and what is refused."""

from __future__ import annotations

import pandas as pd
import pytest

from reestim.errors import InputError
from reestim.importers.concordance import HERE, industry_facts
from reestim.importers.isic import isic_industries, sector_of

#: As later editions of the inter-country tables split and name industries.
OTHER_EDITION = (
    *("A01", "A02", "A03", "B05", "B06", "B07", "B08", "B09", "C10T12", "C13T15", "C16", "C17_18", "C19", "C20", "C21"),
    *(
        "C22",
        "C23",
        "C24A",
        "C24B",
        "C25",
        "C26",
        "C27",
        "C28",
        "C29",
        "C301",
        "C302T309",
        "C31T33",
        "D",
        "E",
        "F",
        "G",
    ),
    *(
        "H49",
        "H50",
        "H51",
        "H52",
        "H53",
        "I",
        "J58T60",
        "J61",
        "J62_63",
        "K",
        "L",
        "M",
        "N",
        "O",
        "P",
        "Q",
        "R",
        "S",
        "T",
    ),
)


def test_codes_go_where_the_shipped_concordance_puts_them() -> None:
    shipped = pd.read_csv(HERE / "industries_icio.csv")
    assert [sector_of(code) for code in shipped["industry"]] == shipped["sector"].tolist()


def test_another_list_of_industries_is_known_by_its_codes() -> None:
    table = industry_facts(OTHER_EDITION)
    assert table["industry"].tolist() == list(OTHER_EDITION)
    assert table["sector"].nunique() == 20
    weights = table.groupby("sector")["ree_weight"].sum()
    assert weights.to_numpy() == pytest.approx(1.0)  # no rare earths are lost or made
    assert table.set_index("industry").loc["C24B", "sector"] == "metals"


@pytest.mark.parametrize("code", ["C20T23", "C", "c14", "machines", "B05C10", "X99", "D01T03", "D45", ""])
def test_codes_of_two_sectors_and_other_names_are_not_known(code: str) -> None:
    assert sector_of(code) is None
    assert isic_industries(["A01", code]) is None


def test_a_list_that_is_no_isic_is_refused_as_before() -> None:
    with pytest.raises(InputError, match="--industries"):
        industry_facts(["A01", "C", "machines"])
