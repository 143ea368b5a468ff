"""Small files in the layout of the World Input-Output Database's arrays, with all its oddities."""

from __future__ import annotations

from pathlib import Path

import numpy as np

COUNTRIES = ("CHN", "JPN", "USA", "RoW")
INDUSTRIES = tuple(f"c{k}" for k in range(1, 36))
YEARS = (2007, 2008, 2009, 2010, 2011)


def arrays(year: int, countries: tuple[str, ...] = COUNTRIES) -> dict[str, np.ndarray]:
    """One year: whole million US$, inventories below zero, no motor trade in China (c19) but a rounding in its row."""
    rng = np.random.default_rng(year)
    n, s = len(countries), len(INDUSTRIES)
    home = 50 * (np.kron(np.eye(n), np.ones((s, s))) * 8 + 1)
    intermediate = rng.integers(5, 40, (n * s, n * s)) * home
    final = rng.integers(2500, 200_000, (n * s, n, 5)) * (8 * np.repeat(np.eye(n), s, axis=0)[:, :, None] + 1)
    final[:, :, 4] = rng.integers(-3000, 3000, (n * s, n))
    idle = list(countries).index("CHN") * s + INDUSTRIES.index("c19")
    intermediate[idle] = intermediate[:, idle] = 0
    final[idle] = 0
    output = intermediate.sum(1) + final.sum((1, 2))
    final[idle, 0, 0] = 1  # published output 0, one million of consumption: rounding
    return {
        "countries": np.array(countries),
        "industries": np.array(INDUSTRIES),
        "intermediate": intermediate.astype("int32"),
        "final": final.reshape(n * s, n * 5).astype("int32"),
        "output": output.astype("int64"),
    }


def write_years(folder: Path, years: tuple[int, ...] = YEARS) -> Path:
    """Write ``wiod2013_<year>.npz`` for all ``years``; returns the folder."""
    folder.mkdir(exist_ok=True)
    for year in years:
        np.savez_compressed(folder / f"wiod2013_{year}.npz", **arrays(year))  # type: ignore[arg-type]
    return folder
