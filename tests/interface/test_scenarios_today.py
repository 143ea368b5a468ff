"""The scenarios of 2025 and 2026: sources, horizons, and an equilibrium each on the dataset of 2023."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

import reestim as ree
from tests.conftest import PROJECT

FILES = sorted((PROJECT / "models" / "scenarios" / "today").glob("*.toml"))
#: Solved without Newton's method, whose compilation takes half a minute: a few seconds together.
CHEAP = ("japan-full-stop", "heavy-elements-stop")
PARAMETERS = ree.Parameters(sigma=0.34, kappa=1.2, spillover=1.6, element_elasticity=0.6)


@pytest.fixture(scope="module")
def economy() -> ree.Economy:
    return ree.Economy.from_dataset(ree.load_dataset("rare-earths-2023"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_figure_has_a_source_and_the_file_fits_the_economy(path: Path, economy: ree.Economy) -> None:
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    assert content["name"] == path.stem
    assert content["horizon"] in ("months", "year")
    entries = [entry for value in content.values() if isinstance(value, list) for entry in value]
    assert all(entry["source"] for entry in entries)
    scenario = ree.read_scenario(path)
    scenario.to_arrays(scenario.baseline(economy))


def solved(economy: ree.Economy, name: str) -> dict[str, float]:
    scenario = ree.read_scenario(PROJECT / "models" / "scenarios" / "today" / f"{name}.toml")
    found = ree.solve(economy, scenario, PARAMETERS, technology="fixed")
    assert bool(found.solved)
    return {str(c): 100 * float(np.expm1(w)) for c, w in zip(found.country.values, found.welfare.values, strict=True)}


def test_a_stop_for_japan_costs_japan_and_hardly_anybody_else(economy: ree.Economy) -> None:
    loss = solved(economy, "japan-full-stop")
    assert loss["JPN"] < -0.001
    assert all(abs(loss[c]) < 0.2 * abs(loss["JPN"]) for c in loss if c != "JPN")


def test_a_stop_of_heavy_elements_costs_those_who_process_them(economy: ree.Economy) -> None:
    loss = solved(economy, "heavy-elements-stop")
    assert loss["JPN"] < loss["USA"] < 0 < loss["CHN"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [path.stem for path in FILES if path.stem not in CHEAP])
def test_the_others_solve_too(economy: ree.Economy, name: str) -> None:
    loss = solved(economy, name)
    assert loss["CHN"] > 0 > loss["JPN"]
    assert max(abs(value) for value in loss.values()) < 10
