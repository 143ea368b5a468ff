"""A quantity ranked in kept fits: the ranks that its own draws and truths have, and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from reestim.calibration.fit_store import save_fit
from reestim.calibration.quantity import rank_quantity
from reestim.errors import InputError
from reestim.runs.record import RunRecord

FITS, DRAWN = 60, 39


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fits whose truth is one more draw from their posterior, around a centre of their own."""
    place, rng = tmp_path_factory.mktemp("kept"), np.random.default_rng(0)
    for i in range(FITS):
        x = rng.normal() + rng.normal(size=(DRAWN + 1, 2))
        sectors = {"sector": ["a", "b"]}
        draws = xr.Dataset({"x": (("draw", "sector"), x[1:])}, coords=sectors)
        truth = xr.Dataset({"x": ("sector", x[0])}, coords=sectors)
        save_fit(place, f"simulation-{i:04d}", draws, truth, RunRecord.read({"gates": {"passed": True}}))
    return place


def test_a_quantity_of_a_calibrated_study_is_covered(folder: Path) -> None:
    (row,) = rank_quantity(folder, "sum", lambda x: x["x"].sum("sector")).to_dict("records")
    assert (row["variable"], row["elements"], row["simulations"]) == ("sum", 1, FITS)
    assert abs(row["coverage_90"] - 0.9) < 0.12
    assert row["p_uniform"] > 0.01


def test_a_quantity_whose_draws_are_off_is_found_out(folder: Path) -> None:
    def shifted(x: xr.Dataset) -> xr.DataArray:
        return x["x"] + 3.0 * ("draw" in x.dims)

    (row,) = rank_quantity(folder, "shifted", shifted).to_dict("records")
    assert row["elements"] == 2
    assert row["coverage_90"] < 0.3
    assert row["p_uniform"] < 1e-4


def test_what_cannot_be_ranked_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="fewer than two"):
        rank_quantity(tmp_path, "x", lambda x: x["x"])
    with pytest.raises(InputError, match="one value for each draw"):
        rank_quantity(folder, "mean", lambda x: x["x"].mean("draw") if "draw" in x.dims else x["x"])
