"""Words that newcomers stumbled over, as they are now."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

import reestim as ree
from reestim.reports.compare import _diagnosis
from reestim.reports.section import Notes
from reestim.reports.sections import all_tables, evidence
from reestim.reports.summary import sentences
from reestim.results.format import with_interval
from reestim.results.names import country_label
from reestim.runs.store import new_run_folder
from tests.interface.faked_run import Run


def test_in_short_says_both_technologies_for_every_country(post: xr.DataTree) -> None:
    said = sentences(post, all_tables(post))
    (intro,) = [s for s in said if "With technology as it was; then with research" in s]
    rows = said[said.index(intro) + 1 :]
    for name in ("Japan", "China"):
        (one,) = [s for s in rows if s.startswith(name)]
        assert "; with directed technology it " in one


def test_what_moves_with_evidence_and_rests_on_its_prior_is_said_together() -> None:
    names = ["κ", "ξ", "λ"]
    moved = pd.DataFrame({"parameter": names, "symbol": names, "ree_use": [0.15, 0.12, 0.2], "priors": [0.1, 0.3, 0.1]})
    judged = pd.DataFrame({"symbol": names, "rests_on_prior": [True, True, False]})
    made = evidence.section(xr.DataTree(), {evidence.TABLE: moved, "prior_posterior": judged})
    assert made is not None
    said = " ".join(line for block in made.blocks if isinstance(block, Notes) for line in block.lines)
    assert "speaks about each" not in said
    assert "κ, ξ move with the evidence" in said
    assert "rest on priors" in said
    assert "λ" not in said


def test_labels_have_names_and_intervals_end_at_five_decimals() -> None:
    assert [country_label(code) for code in ("JPN", "REU", "ROW", "GBR", "my region")] == [
        "Japan (JPN)",
        "Rest of the EU (REU)",
        "Rest of the world (ROW)",
        "United Kingdom (GBR)",
        "my region",
    ]
    assert with_interval(8.9e-6, -1.5e-6, 5.1e-5, "%") == "0.00001 % [0, 0.00005]"
    assert with_interval(-0.000062, -0.000104, -0.000033, "%") == "-0.00006 % [-0.00010, -0.00003]"


def test_a_run_of_a_run_has_one_stamp(tmp_path: Path) -> None:
    folder = new_run_folder("2026-11-30-153946-substitution-china-quota-2010", tmp_path)
    assert folder.name.count("2026-11-30-153946") == 0
    assert folder.name.endswith("-substitution-china-quota-2010")


def test_loo_is_judged_in_words() -> None:
    assert _diagnosis("3 k̂ > 0.70") == "3 observations decide the fit on their own (shape of their weights above 0.70)"
    assert _diagnosis("1 k̂ > .50").startswith("1 observation decides")
    assert _diagnosis("") == ""


def test_what_is_typed_wrong_looks_like_all_that_is_wrong(cli: Run) -> None:
    done = cli("run", "--seed", "-1")
    assert done.exit_code == 1
    assert "the command is not understood (1 problem)" in done.stderr
    assert "╭" not in done.output


def test_a_file_in_the_way_is_named(tmp_path: Path, post: xr.DataTree) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ree.InputError, match=r"notes.txt is a file"):
        ree.save(post, tmp_path / "notes.txt" / "run")
