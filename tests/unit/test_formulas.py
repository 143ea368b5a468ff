"""Formulas as full texts of patents write them."""

from __future__ import annotations

from reestim.labels.lexicon import plain


def test_a_blank_after_a_subscript_does_not_break_a_formula() -> None:
    for written in (
        "Fe.sub.16 N.sub.2",
        "Fe.sub.16N.sub.2",
        "Fe<sub>16</sub> N<sub>2</sub>",
        "Fe<SUB>16</SUB>N<SUB>2</SUB>",
    ):
        assert plain(written) == "Fe16N2", written
    assert plain("Nd.sub.2 Fe.sub.14 B magnets") == "Nd2Fe14B magnets"
    assert plain("H.sub.2 In a furnace") == "H2 In a furnace"
