"""The event study as the world equilibrium predicts it, solved and differentiated inside the sampler.

    β(σ, κ, ξ, ω, ε) = Σ_cst L_cst · ln ŷ_cst,    ŷ_t from equations (3)–(11) at the prices of rare earths of year t

L: the regression as a linear map (docs/model.md section 4). The closed form of `event_effects` gives the same map what
(1)–(2) say to first order in q, at given prices of everything else. Here each year of the panel is an equilibrium:

* cost shares move with prices, so that a price of seven times the baseline's counts by its exact cost, not by θ·q;
* a sector's cheaper or dearer output is an input of others, wages and spending adjust, and sectors that use no rare
  earths answer too;
* exports compete with all rivals at their new costs, TFP is what a statistician would measure: a Törnqvist index of
  input prices less unit cost.

**Knowledge is that of the clock**: a_t by (2b) from the relative prices of the data, the same path that patents and the
use of rare earths are read with. Each year is solved at given knowledge.

**The price is imposed, as in the closed form**: what moved it is not explained here, only what it did. The mines of
this economy use labour in place of their resource, so their supply is elastic; a mine of country i delivers at the
price that its own market had in year t (productivity T̂ˣ_ie = 1/p̂_ie), and what other markets paid above or below it
is an export tax, 1 + x′ = (1 + x)·p̂_ne/p̂_ie. Scarcity is then paid for with labour where it was paid to owners
of mines: a difference to incomes, of the size of rare earths in GDP.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from reestim.dims import COUNTRY, ELEMENT, FACTOR, LABOR, PRICE_YEAR, SECTOR, TRADED_SECTOR, YEAR, resource
from reestim.equilibrium.contract import REQUIRED
from reestim.equilibrium.economy import Economy
from reestim.equilibrium.function import Inputs, equilibrium_function
from reestim.equilibrium.parameters import Parameters
from reestim.equilibrium.scenario import Scenario
from reestim.errors import InputError, Problem
from reestim.evidence.predictions import regression_weights
from reestim.technology import UNLIMITED, Knowledge

#: Years of the event study, which need not be those of the patents.
OUTCOME_YEAR = "outcome_year"
_PREFIX = "economy_"
_ECONOMY_ARRAYS = (*REQUIRED, "tariff", "export_tax", "ree_share", "element_share")


def is_solved(data: xr.Dataset) -> bool:
    """Whether the study asks for the equilibrium in the loop (``evidence.equilibrium``)."""
    return "imposed_price" in data


def equilibrium_inputs(io: xr.Dataset, studies: list[xr.Dataset], bundle: xr.Dataset) -> xr.Dataset:
    """What `equilibrium_effects` needs: economy, prices of elements to impose, and the regression as weights.

    io: the arrays of docs/model.md section 3; studies: from the panel and published, in the order of ``effect``;
    bundle: from ``bundle_inputs``. Returns ``economy_*`` with the economy's dims but ``traded_sector`` for ``sector``;
    ``imposed_price`` (country, element, outcome_year), log change on a country's own market against the base year,
    relative to the cost of its other inputs (their mean over sectors); ``event_weight`` (effect, country,
    traded_sector, outcome_year). Years that no effect looks at are left out.
    """
    real = bundle["element_price"] - bundle["input_cost"].mean(SECTOR)
    years = real[YEAR].values
    weights = np.concatenate([regression_weights(s, io[COUNTRY].values, io[SECTOR].values, years) for s in studies])
    looked_at = np.abs(weights).max(axis=(0, 1, 2)) > 0
    economy = _elastic_mines(io[[name for name in _ECONOMY_ARRAYS if name in io]])
    economy = economy.rename({SECTOR: TRADED_SECTOR}).rename({name: _PREFIX + str(name) for name in economy.data_vars})
    labels = np.concatenate([study["effect"].values for study in studies])
    about = {"long_name": "log price of an element on a country's market, imposed", "units": "log points"}
    ours = xr.Dataset(
        {
            "imposed_price": ((COUNTRY, ELEMENT, OUTCOME_YEAR), real.transpose(COUNTRY, ELEMENT, YEAR).values, about),
            "event_weight": (
                ("effect", COUNTRY, TRADED_SECTOR, OUTCOME_YEAR),
                weights,
                {"long_name": "regression as weights on cells", "units": "1"},
            ),
        },
        coords={
            "effect": labels,
            COUNTRY: io[COUNTRY].values,
            ELEMENT: real[ELEMENT].values,
            TRADED_SECTOR: io[SECTOR].values,
            OUTCOME_YEAR: years,
        },
    ).isel({OUTCOME_YEAR: looked_at})
    return xr.merge([economy.drop_attrs(), ours], join="exact", combine_attrs="drop")


def equilibrium_effects(
    data: xr.Dataset,
    sigma: Any,
    knowledge: Knowledge,
    enhancing: Any,
    kappa: Any,
    spillover: Any,
    spillover_gap: Any,
    trade_elasticity: Any,
) -> Any:
    """β (effect): the event study run on the equilibria of its years. JAX, differentiable, inside ``jit`` and NUTS.

    data: with `equilibrium_inputs`; σ (sector), κ, ξ, ω numbers, ε (traded_sector); knowledge and ``enhancing`` f
    (country, sector, price_year). Where a year has no equilibrium the effects are not a number: the density is then
    zero (`NumpyroModel.density`) and the trajectory that went there is counted as divergent.
    """
    panel = solved_panel(data, sigma, knowledge, kappa, spillover, spillover_gap, trade_elasticity)
    places, users = _places(data)
    patents = jnp.zeros_like(panel["tfp"]).at[:, :, users].set(jnp.moveaxis(enhancing[..., places], -1, 0))
    return regression_effects(data, panel | {"patents": patents})


def _places(data: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the years of the event study among those with a price, and of users among all sectors."""
    years = data.get_index(PRICE_YEAR).get_indexer(data[OUTCOME_YEAR].values)
    return years, data.get_index(TRADED_SECTOR).get_indexer(data[SECTOR].values)


def regression_effects(data: xr.Dataset, panel: dict[str, Any]) -> Any:
    """The regression (effect) run on log changes of each outcome, (outcome_year, country, traded_sector)."""
    by_outcome = jnp.stack(list(panel.values()))  # (outcome, outcome_year, country, traded_sector)
    asked = (data["outcome"].values[:, None] == np.array(list(panel))).astype(float)
    weights = data["event_weight"].transpose("effect", COUNTRY, TRADED_SECTOR, OUTCOME_YEAR).values
    return jnp.einsum("eo,ecst,otcs->e", asked, weights, by_outcome)


def solved_panel(
    data: xr.Dataset,
    sigma: Any,
    knowledge: Knowledge,
    kappa: Any,
    spillover: Any,
    spillover_gap: Any,
    trade_elasticity: Any,
) -> dict[str, Any]:
    """Log changes of exports and tfp against the base year, each (outcome_year, country, traded_sector).

    Cells without baseline exports do not move.
    """
    with jax.ensure_compile_time_eval():  # data, not part of what is traced
        economy = baseline_of(data)
        placeholder = Parameters(sigma=0.5, kappa=1.0, trade_elasticity=1.0)
        function, inputs = equilibrium_function(economy, Scenario(), placeholder)
        productivity, export_tax = imposed(data, economy)
        exporting, produced = _exporting(economy), np.asarray(economy.baseline.output) > 0
    places, users = _places(data)
    baseline = inputs.parameters.technology
    everywhere, uses = jnp.ones(baseline.sigma.shape), np.asarray(economy.baseline.ree_share) > 0
    one = jnp.ones(len(economy.sectors)).at[users].set(sigma)
    technology = baseline._replace(
        sigma=jnp.where(uses, one[None, :], 1.0),
        kappa=kappa * everywhere,
        spillover=spillover * everywhere,
        spillover_gap=spillover_gap * everywhere,
        adjustment_rate=jnp.zeros_like(baseline.adjustment_rate),  # knowledge is given
        largest_loss=jnp.full_like(baseline.largest_loss, UNLIMITED),
    )
    moved = jnp.moveaxis(knowledge.bias[..., places], -1, 0) / kappa
    research = jnp.where(uses, jnp.zeros((len(places), *uses.shape)).at[:, :, users].set(moved), 0.0)

    def year(shock: tuple[Any, Any, Any]) -> dict[str, Any]:
        policy = inputs.policy._replace(log_productivity=shock[0], log_export_tax=shock[1])
        now = inputs.parameters._replace(
            technology=technology._replace(research_before=shock[2]), trade_elasticity=trade_elasticity
        )
        solution = function(Inputs(now, policy))
        bundle = jnp.where(uses, solution.ree_price, 0.0)
        cost, unit_cost = (jnp.where(produced, x, 0.0) for x in (solution.other_cost, solution.unit_cost))
        share = 0.5 * (economy.baseline.ree_share + solution.ree_share)
        tfp = share * bundle + (1 - share) * cost - unit_cost  # Törnqvist
        return {
            "exports": jnp.where(exporting, solution.exports, 0.0),
            "tfp": jnp.where(uses & produced, tfp, 0.0),
        }

    return jax.vmap(year)((productivity, export_tax, research))


def baseline_of(data: xr.Dataset) -> Economy:
    """The economy with elastic mines that the inputs hold."""
    names = {name: str(name).removeprefix(_PREFIX) for name in data.data_vars if str(name).startswith(_PREFIX)}
    arrays = data[list(names)].rename(names).rename({TRADED_SECTOR: SECTOR})
    return Economy(arrays.reset_coords(drop=True))


def imposed(data: xr.Dataset, economy: Economy) -> tuple[Any, Any]:
    """The scenario of each year: ln T̂ˣ (outcome_year, country, sector), ln(1+x′) (outcome_year, importer, exporter,
    sector)."""
    price = data["imposed_price"].transpose(OUTCOME_YEAR, COUNTRY, ELEMENT)
    price = price.sel({COUNTRY: list(economy.countries), ELEMENT: list(economy.elements)}).values
    years, element = len(price), np.asarray(economy.baseline.element_index)
    productivity = np.zeros((years, *economy.baseline.expenditure.shape))
    productivity[:, :, element] = -price
    tax = np.tile(np.log1p(np.asarray(economy.baseline.export_tax)), (years, 1, 1, 1))
    tax[..., element] += price[:, :, None, :] - price[:, None, :, :]
    return jnp.asarray(productivity), jnp.asarray(tax)


def _exporting(economy: Economy) -> np.ndarray:
    """Cells (country, sector) with exports in the baseline."""
    flow = np.asarray(economy.baseline.trade_share) * np.asarray(economy.baseline.expenditure)[:, None, :]
    return (flow * ~np.eye(len(flow), dtype=bool)[:, :, None]).sum(axis=0) > 0


def _elastic_mines(economy: xr.Dataset) -> xr.Dataset:
    """The same economy whose mines use labour in place of their resource: they supply any quantity at their cost."""
    share = economy["factor_share"].transpose(COUNTRY, FACTOR, SECTOR)
    own = [f for f in share[FACTOR].values if f in {resource(str(e)) for e in economy[ELEMENT].values}]
    if LABOR not in share[FACTOR].values:
        advice = "Name a mobile factor 'labor' in value_added.csv"
        raise InputError(Problem("the economy has no labour for its mines to use", advice, column=FACTOR))
    rest = share.drop_sel({FACTOR: own})
    moved = rest + share.sel({FACTOR: own}).sum(FACTOR) * (rest[FACTOR] == LABOR)
    return economy.drop_dims(FACTOR).assign(factor_share=moved.transpose(COUNTRY, FACTOR, SECTOR))
