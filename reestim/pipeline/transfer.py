"""A run whose draws are carried to the economy of another dataset, noted in its record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reestim.errors import InputError, Problem
from reestim.results.effects import CARRIED
from reestim.runs.parts import TransferRecord
from reestim.runs.record import RunRecord

if TYPE_CHECKING:
    import xarray as xr

    from reestim.counterfactuals.transfer import Transfer
    from reestim.data.dataset import Dataset

#: Parameters that scale σ and the supply of mines to a horizon: their draws are the width of the horizon.
OF_THE_HORIZON = ("impact_ratio", "supply_elasticity", "long_run_supply_elasticity")


def carried_to(post: xr.DataTree, data: Dataset, transfer: Transfer) -> xr.DataTree:
    """The run on the economy of ``data``: groups ``transferred`` and ``prior_transferred`` beside ``posterior`` and
    ``prior``, which stay as they were estimated, and no equilibria yet.

    Raises InputError where draws and economy do not fit (`reestim.counterfactuals.transfer.transferred_draws`).
    """
    import xarray as xr

    from reestim.counterfactuals.transfer import transferred_draws
    from reestim.equilibrium.economy import Economy

    if "posterior" not in post.children:
        raise InputError(Problem("this run has no draws that could be carried", "Give a run of an estimation."))
    economy, record = Economy.from_dataset(data), RunRecord.of(post)
    solved = ("counterfactual", "prior_counterfactual", "welfare_variance", "inputs")
    out = post.filter(lambda node: node.name not in (*solved, *CARRIED.values()))
    out.attrs = dict(post.attrs)
    first = None
    for stream, (group, carried) in enumerate(CARRIED.items()):
        if group in post.children:
            moved = transferred_draws(post[group].to_dataset(), economy, transfer, stream)
            out[carried] = xr.DataTree(moved.draws)
            first = first or moved
    assert first is not None
    out["economy"] = xr.DataTree(economy.ds)
    note = TransferRecord(
        dataset=data.meta.name,
        hash=data.hash,
        path=str(data.path),
        base_year=data.meta.base_year,
        synthetic=tuple(data.meta.synthetic),
        imputed=tuple(data.meta.imputed),
        recalled=data.recalled,
        updated=tuple(data.meta.updated),
        ratio_sd=transfer.ratio_sd,
        absent=transfer.absent,
        seed=transfer.seed,
        matched=first.matched,
        from_population=first.from_population,
        left_aside=first.left_aside,
        own_trade_elasticity=first.own_trade_elasticity,
        without_width=tuple(name for name in OF_THE_HORIZON if name not in first.draws),
    )
    return record.but(transfer=note, scenarios={}, solved=()).attached(out)


def with_carried_draws(post: xr.DataTree) -> xr.DataTree:
    """The tree whose groups ``posterior`` and ``prior`` are the draws that go through the equilibrium."""
    return _with_groups(post, {group: post[carried] for group, carried in CARRIED.items() if carried in post.children})


def with_estimated_draws(solved: xr.DataTree, post: xr.DataTree) -> xr.DataTree:
    """``solved`` with the groups ``posterior`` and ``prior`` of ``post``, as they were estimated."""
    return _with_groups(solved, {group: post[group] for group in CARRIED if group in post.children})


def _with_groups(post: xr.DataTree, groups: dict[str, Any]) -> xr.DataTree:
    import xarray as xr

    out = post.copy()
    for name, group in groups.items():
        out[name] = xr.DataTree(group.to_dataset())
    return out
