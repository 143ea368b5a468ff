"""The baseline of a draw: what the draw says of inputs that are known with error, and the accounts that follow.

A draw states factors on what the data say. Whatever they are, its baseline is an exact equilibrium: shares and spending
come first, and output, final demand, incomes and deficits are computed from them by the same identities as the
economy's own (``accounts.account``; a test holds the two together). Only what varies is returned draw by draw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.mining import with_resource_share
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.numerics.biproportional import fit_totals

if TYPE_CHECKING:
    from reestim.equilibrium.parameter_arrays import ParameterArrays

_TRADE = ("trade_share",)
_USE = ("expenditure", "ree_share", "member_share", "output")
_ACCOUNTS = ("final_share", "factor_income", "income")
_MINES = ("resource_share",)


class InputArrays(NamedTuple):
    """Inputs of a draw as factors on what the data say; None: as the data say."""

    use: Float[Array, "*draw country element sector"] | None = None  # tonnes that a sector uses of an element
    price: Float[Array, "*draw element"] | None = None  # price per tonne, on all markets
    supply: Float[Array, "*draw country element"] | None = None  # tonnes that a country mines, against other countries
    trade: Float[Array, "*draw importer exporter sector"] | None = None  # trade in goods, totals apart


def drawn_fields(b: Baseline, parameters: ParameterArrays) -> dict[str, Array]:
    """The arrays of the baseline that a draw states otherwise, by name; none where it states nothing.

    Which they are depends on what is stated, not on its values.
    """
    inputs, world, names = parameters.inputs, b, set[str]()
    if inputs is not None and any(leaf is not None for leaf in inputs):
        world = with_inputs(world, inputs)
        names |= {*_USE, *_ACCOUNTS, "deficit"}
        names |= set(_TRADE if inputs.trade is not None or inputs.supply is not None else ())
    if parameters.resource_share is not None:
        world = with_resource_share(world, parameters.resource_share)
        names |= {*_MINES, *_ACCOUNTS}
    return {name: getattr(world, name) for name in sorted(names)}


@jax.jit
def drawn_baseline(b: Baseline, parameters: ParameterArrays) -> Baseline:
    """The baseline of a draw: its resource shares and inputs, where it states any."""
    return b._replace(**drawn_fields(b, parameters))


def drawn_policy(policy: PolicyArrays, parameters: ParameterArrays, b: Baseline) -> PolicyArrays:
    """The scenario with the prices per tonne of a draw, by which quotas and licences count tonnes."""
    if parameters.inputs is None or parameters.inputs.price is None:
        return policy
    factor = jnp.ones(b.expenditure.shape[1]).at[b.element_index].set(parameters.inputs.price)
    return policy._replace(pools=policy.pools._replace(price=policy.pools.price * factor[policy.pools.sector]))


def with_inputs(b: Baseline, inputs: InputArrays) -> Baseline:
    """The baseline with these inputs.

    * Cells of trade in goods keep what every importer spends on a sector and every exporter sells of it.
    * Sellers share a buyer's purchases of an element by what the data say times the factors of their supply.
    * A sector pays for an element what the data say times the factors; its output and its mix of other inputs and
      factors stay. Sellers of the element earn accordingly; of what producers then buy less or more of other goods,
      final demand takes the rest.
    * Incomes follow from that, and deficits are what is spent beyond them.
    """
    e, elements = b.element_index, b.element_index.size
    net = 1 / ((1 + b.tariff) * (1 + b.export_tax))
    share, output = b.trade_share, b.output
    if inputs.trade is not None:
        share = balanced_trade_share(b, inputs.trade)
        output = jnp.sum(share * b.expenditure[:, None, :] * net, axis=0)
    if inputs.supply is not None:
        sold = share[:, :, e] * inputs.supply
        total = sold.sum(axis=1, keepdims=True)
        share = share.at[:, :, e].set(sold / jnp.where(total > 0, total, 1.0), unique_indices=True)

    before = b.member_share * (b.ree_share * b.output)[:, None, :]
    bought = before
    if inputs.use is not None:
        bought = bought.at[:, :elements].multiply(inputs.use)
    if inputs.price is not None:
        bought = bought.at[:, :elements].multiply(inputs.price[:, None])
    bundle = bought.sum(axis=1)
    mix = jnp.where(bundle[:, None, :] > 0, bought / jnp.where(bundle > 0, bundle, 1.0)[:, None, :], b.member_share)
    ree_share = jnp.where(bundle > 0, bundle / jnp.where(output > 0, output, 1.0), b.ree_share)
    spending = b.expenditure.at[:, b.member_index].add((bought - before).sum(axis=2))
    sold = jnp.sum(share[:, :, e] * spending[:, None, e] * net[:, :, e], axis=0)
    output = output.at[:, e].set(sold, unique_indices=True)
    return _accounted(
        b._replace(trade_share=share, expenditure=spending, ree_share=ree_share, member_share=mix, output=output),
        bought.sum(axis=2),
    )


def balanced_trade_share(b: Baseline, factor: Float[Array, "importer exporter sector"]) -> Array:
    """Trade shares with the cells of trade times ``factor``, fitted to what importers spend and exporters sell."""
    flow = b.trade_share * b.expenditure[:, None, :]
    fitted = jax.vmap(fit_totals, in_axes=(2, 1, 1), out_axes=2)(flow * factor, b.expenditure, flow.sum(axis=0))
    spent = b.expenditure[:, None, :]
    return jnp.where(spent > 0, fitted / jnp.where(spent > 0, spent, 1.0), b.trade_share)


def _accounted(b: Baseline, members: Float[Array, "country member"]) -> Baseline:
    """Final demand, incomes and deficits from the identities; ``members``: purchases of elements and carriers."""
    e = b.element_index
    rent = b.resource_share * b.output[:, e]
    other = ((1 - b.ree_share) * b.output).at[:, e].add(-rent)
    use = jnp.einsum("nks,ns->nk", b.input_share, other).at[:, b.member_index].add(members)
    final = b.expenditure - use
    income = final.sum(axis=1)
    earned = jnp.einsum("nfs,ns->nf", b.factor_share, other) + jnp.einsum("ne,fe->nf", rent, b.resource)
    flow = b.trade_share * b.expenditure[:, None, :]
    at_border = flow / (1 + b.tariff)
    tariffs = jnp.sum(flow - at_border, axis=(1, 2))
    taxes = jnp.sum(at_border * (b.export_tax / (1 + b.export_tax)), axis=(0, 2))
    return b._replace(
        final_share=final / income[:, None],
        factor_income=earned,
        income=income,
        deficit=income - earned.sum(axis=1) - tariffs - taxes,
    )
