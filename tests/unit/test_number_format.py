"""Numbers in running text: as many digits as their interval carries."""

from __future__ import annotations

import pytest

from reestim.results.format import number, percent, with_interval


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (0.0, 2, "0"),
        (1e-5, 2, "0.00001"),
        (-3.2e-12, 2, "-3.2e-12"),
        (1234.5, 0, "1,234"),
        (float("nan"), 2, "not available"),
    ],
)
def test_numbers(value: float, places: int, text: str) -> None:
    assert number(value, places) == text


def test_intervals_show_two_digits_of_their_width() -> None:
    assert with_interval(-0.0263, -0.0311, -0.0213, "bp") == "-0.0263 bp [-0.0311, -0.0213]"
    assert with_interval(12345.6, 11000.2, 13000.9) == "12,346 [11,000, 13,001]"
    assert with_interval(3.21e-9, 3.0e-9, 3.4e-9) == "3.2e-09 [3e-09, 3.4e-09]"
    assert with_interval(-0.6, -2.1, -0.334) == "-0.60 [-2.10, -0.33]"
    assert with_interval(0.0003, -1.2, 1.3) == "0.0003 [-1.20, 1.30]"
    assert percent(0.004) == "< 1 %"
    assert percent(1.0) == "100 %"
