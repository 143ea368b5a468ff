"""What magnets as a stage change in 2010: spending as the page prints it, losses in the order of what is held back."""

from __future__ import annotations

from typing import Any

import pytest

import reestim as ree
from replications import magnets_2010
from tests.replication.page import printed


def printed_rows() -> dict[str, list[str]]:
    lines = [line.strip("| ").split(" | ") for line in printed("magnets", "magnets-2010.md").splitlines()]
    return {line[0]: line[1:] for line in lines if len(line) == 8 and line[0].isupper()}


def test_the_page_has_the_spending_of_the_datasets() -> None:
    rows = printed_rows()
    plain, stage = (
        ree.Economy.from_dataset(ree.load_dataset(name)) for name in (magnets_2010.PLAIN, magnets_2010.STAGE)
    )
    before: Any = magnets_2010.spending(plain)
    after: Any = magnets_2010.spending(stage)
    assert list(rows) == list(plain.countries)
    for country, cells in rows.items():
        assert cells[:3] == [
            f"{float(value):.0f}"
            for value in (before["oxide"][country], after["oxide"][country], after["magnets"][country])
        ]
    assert float(before["magnets"].sum()) == 0.0
    # the stage adds no oxide: what the world pays for it is the same
    assert after["oxide"].sum() == pytest.approx(before["oxide"].sum(), rel=5e-3)


def test_the_printed_losses_are_in_the_order_of_what_is_held_back() -> None:
    for country, cells in printed_rows().items():
        plain, stage, cut = (float(cell.replace("\N{MINUS SIGN}", "-")) for cell in cells[4:])
        sign = 1 if country == "CHN" else -1
        assert sign * cut > sign * stage > 0, country
        assert sign * plain >= sign * stage or country == "ROW"


@pytest.mark.slow
def test_the_page_has_what_the_command_prints() -> None:
    assert magnets_2010.table().markdown() == printed("magnets", "magnets-2010.md")
