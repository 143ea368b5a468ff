"""A tiny world for the tests of the supply chain: 3 countries, 3 goods, 2 elements, with taxes on both sides."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from reestim.data.dataset import Dataset
from reestim.data.identities import cube
from reestim.data.meta import DatasetMeta
from reestim.data.policy import policy_arrays

COUNTRIES = ("CHN", "JPN", "USA")
GOODS = ("chemicals", "electronics", "services")
ELEMENTS = ("Nd", "Ce")
YEARS = (2006, 2007, 2008, 2009)
Tables = dict[str, pd.DataFrame]


def tiny_world(edit: Callable[[Tables], object] | None = None, seed: int = 0) -> Dataset:
    """A consistent dataset; ``edit`` may change its tables in place before they are handed over."""
    rng = np.random.default_rng(seed)
    tables = {stem: pd.DataFrame(rows) for stem, rows in _facts().items()} | _flows(rng)
    if edit is not None:
        edit(tables)
    meta = DatasetMeta(
        name="tiny",
        description="made for tests",
        base_year=2008,
        policy_year=2010,
        licence="none",
        host_sector="chemicals",
    )
    return Dataset(Path("tiny"), meta, tables, "none")


def _facts() -> dict[str, list[dict[str, object]]]:
    prices = {"Nd": (20.0, 30.0, 32.0, 19.0), "Ce": (2.0, 3.0, 4.5, 4.0)}
    return {
        "elements": [
            {
                "element": "Nd",
                "atomic_number": 60,
                "group": "light",
                "ionic_radius": 98.3,
                "electronegativity": 1.14,
                "substitute_performance": 41.0,
                "magnetic_moment": 3.6,
                "supply_elasticity": 0.3,
                "long_run_supply_elasticity": 0.8,
                "resource_share": 0.4,
            },
            {
                "element": "Ce",
                "atomic_number": 58,
                "group": "light",
                "ionic_radius": 101.0,
                "electronegativity": 1.12,
                "substitute_performance": 60.0,
                "magnetic_moment": 2.5,
                "supply_elasticity": 0.2,
                "long_run_supply_elasticity": 0.8,
                "resource_share": 0.3,
            },
        ],
        "element_prices": [
            {"element": e, "year": y, "market": m, "price": p / (1.3 if m != "export" and y >= 2007 else 1.0)}
            for e, m in product(ELEMENTS, ("export", "domestic_CHN"))
            for y, p in zip(YEARS, prices[e], strict=True)
        ],
        "element_output": [
            {"country": c, "element": e, "year": 2008, "tonnes": t}
            for c, e, t in (("CHN", "Nd", 900), ("CHN", "Ce", 1500), ("USA", "Nd", 80), ("USA", "Ce", 200))
        ],
        "element_use": [
            {"application": a, "element": e, "tonnes": t}
            for a, e, t in (("magnets", "Nd", 800), ("polishing", "Ce", 900), ("other", "Ce", 600), ("other", "Nd", 90))
        ],
        "application_sector": [
            {"application": a, "sector": s, "weight": w}
            for a, s, w in (
                ("magnets", "electronics", 1.0),
                ("polishing", "electronics", 0.7),
                ("polishing", "chemicals", 0.3),
                ("other", "chemicals", 1.0),
            )
        ],
        "trade_elasticities": [
            {"sector": s, "trade_elasticity": v, "sd": 0.5, "source": "test"}
            for s, v in (("chemicals", 3.0), ("electronics", 8.0), ("services", 5.0), ("Nd", 10.0), ("Ce", 10.0))
        ],
        "element_exports": [{"country": "CHN", "year": 2008, "tonnes": 1000.0}],
        "policy": [
            {"importer": "*", "exporter": "CHN", "sector": e, "tariff": 0.0, "export_tax": 0.3} for e in ELEMENTS
        ]
        + [{"importer": "JPN", "exporter": "*", "sector": "chemicals", "tariff": 0.1, "export_tax": 0.0}],
    }


def _flows(rng: np.random.Generator) -> Tables:
    """Trade at random; inputs are 40 % of output, so that final demand stays positive; the rest is value added."""
    trade = pd.DataFrame(product(COUNTRIES, COUNTRIES, GOODS), columns=["importer", "exporter", "sector"])
    home = trade["importer"] == trade["exporter"]
    trade["value"] = rng.uniform(500, 1000, len(trade)) * np.where(home, 10.0, 1.0)
    tariff, tax = policy_arrays(pd.DataFrame(_facts()["policy"]), COUNTRIES, GOODS)
    flows = cube(trade, ["importer", "exporter", "sector"], (COUNTRIES, COUNTRIES, GOODS))
    output = (flows / ((1 + tariff) * (1 + tax))).sum(0)
    shares = 0.4 * rng.dirichlet(np.ones(3) * 5, size=(3, 3))  # country, sector, input
    inputs = pd.DataFrame(
        [
            {"country": c, "input": k, "sector": s, "value": shares[n, j, i] * output[n, j]}
            for (n, c), (i, k), (j, s) in product(enumerate(COUNTRIES), enumerate(GOODS), enumerate(GOODS))
        ]
    )
    added = pd.DataFrame(
        [
            {"country": c, "factor": f, "sector": s, "value": 0.6 * output[n, j] * share}
            for (n, c), (f, share), (j, s) in product(
                enumerate(COUNTRIES), (("labor", 2 / 3), ("capital", 1 / 3)), enumerate(GOODS)
            )
        ]
    )
    return {"trade": trade, "input_output": inputs, "value_added": added}
