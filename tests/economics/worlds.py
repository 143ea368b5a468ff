"""Random worlds for hypothesis: what matters is drawn by it and shrinks, matrices come from a seed.

Shapes are few, because the solver is compiled for each: one in the default suite, large ones with `pytest -m slow`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from typing import NamedTuple

import pytest
import xarray as xr
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

import reestim as ree
from tests.oracles import random_economy, random_scenario

SMALL = ({"countries": 3, "goods": 2, "elements": 2, "factors": 1},)
LARGE = (
    {"countries": 12, "goods": 5, "elements": 5, "factors": 3},
    {"countries": 7, "goods": 20, "elements": 3},
    {"countries": 3, "goods": 12, "elements": 1},
)

#: Over the small shapes in the default suite, over the large ones with `-m slow`.
over_shapes = pytest.mark.parametrize(
    "shapes", [SMALL, pytest.param(LARGE, marks=pytest.mark.slow)], ids=("small", "large")
)


def examples(count: int) -> settings:
    """So many worlds, the same in every run; a failing one is printed as it is, since a smaller one takes minutes."""
    slow_is_fine = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=slow_is_fine,
        phases=(Phase.explicit, Phase.generate),
    )


class World(NamedTuple):
    """An economy, parameters inside the interior, a shock, and the technology to solve with."""

    economy: ree.Economy
    parameters: ree.Parameters
    scenario: ree.Scenario
    technology: str


@dataclass(frozen=True)
class Recipe:
    """The numbers that a world is made from; hypothesis draws and prints them."""

    seed: int
    shape: dict
    ree_share: tuple[float, float]
    elasticity: float
    taxes: bool
    deficits: bool
    technology: str
    kappa: float
    sigma: tuple[float, ...]  # of its bound 1 + 1/κ̃; sectors take them in turn
    others: dict[str, float]
    size: float
    quota: float

    def world(self, **fixed: object) -> World:
        """The world; ``fixed`` parameters take the place of those drawn."""
        economy = random_economy(
            self.seed,
            **self.shape,
            ree_share=self.ree_share,
            elasticity=(self.elasticity, 2 * self.elasticity),
            taxes=self.taxes,
            deficits=self.deficits,
        )
        values = {"kappa": self.kappa, **self.others, **fixed}
        bound = 0.99 * (1 + 1 / (values["kappa"] * (1 + values["spillover"])))
        sigma = [0.02 + (bound - 0.02) * x for _, x in zip(economy.sectors, cycle(self.sigma), strict=False)]
        values = {"sigma": xr.DataArray(sigma, coords={"sector": list(economy.sectors)})} | values
        scenario = random_scenario(self.seed, economy, size=self.size, quota=self.quota)
        return World(economy, ree.Parameters(**values), scenario, self.technology)


def magnitudes(low: float, high: float) -> st.SearchStrategy[float]:
    """Log-uniform, by exponent, so that it shrinks to the lower end."""
    return st.floats(0, 1).map(lambda x: low * (high / low) ** x)


@st.composite
def recipes(draw: st.DrawFn, shapes: tuple[dict, ...] = SMALL) -> Recipe:
    """Shares of rare earths 1e-9 to 0.5, trade elasticities 1.2 to 65, σ from 0.02 to 0.99 of its bound, shocks up to a
    half in logs, a quota down to a twentieth."""
    share = draw(magnitudes(1e-9, 0.05))
    return Recipe(
        seed=draw(st.integers(0, 2**32 - 1)),
        shape=draw(st.sampled_from(shapes)),
        ree_share=(share, share * draw(magnitudes(1.0, 10.0))),
        elasticity=draw(magnitudes(1.2, 32.5)),
        taxes=draw(st.booleans()),
        deficits=draw(st.booleans()),
        technology=draw(st.sampled_from(("fixed", "directed"))),
        kappa=draw(magnitudes(0.05, 5.0)),
        sigma=tuple(draw(st.lists(st.floats(0, 1), min_size=3, max_size=3))),
        others={
            "spillover": draw(st.floats(0, 1)),
            "spillover_gap": draw(st.floats(0, 1)),
            "diffusion": draw(st.floats(0, 1)),
            "element_elasticity": draw(magnitudes(0.3, 3.0)),
        },
        size=draw(magnitudes(1e-3, 0.5)),
        quota=draw(magnitudes(0.05, 2.0)),
    )
