"""The baseline world economy: a labelled Dataset, checked, and its arrays for the solver."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from reestim.dims import CARRIER, COUNTRY, ELEMENT, FACTOR, SECTOR
from reestim.equilibrium.accounts import IDENTITY_TOLERANCE, Baseline, account, by_identity, imbalance_problems
from reestim.equilibrium.contract import ordered
from reestim.errors import InputError
from reestim.io.json_text import json_value
from reestim.numerics.jax_setup import require_jax

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset
    from reestim.equilibrium.parameters import Parameters

__all__ = ["Baseline", "Economy"]


class Economy:
    """A world economy in its baseline, from an ``xarray.Dataset`` with the names of docs/model.md section 3.

    Everything is placed by label. Revenue, factor income, final demand, income and deficits follow from the accounting
    identities, unless the Dataset states ``final_share``, ``factor_income`` or ``deficit``, which must then agree.

    Parameters
    ----------
    ds
        trade_share (importer, exporter, sector), expenditure (country, sector), factor_share (country, factor, sector),
        input_share (country, input, sector); optionally tariff and export_tax (importer, exporter, sector), ree_share
        (country, sector), element_share (country, element, sector), carrier_share (country, carrier, sector),
        trade_elasticity (sector), supply_elasticity and long_run_supply_elasticity (country, element). Carriers are
        members of the rare-earth bundle that are made of it themselves, such as magnets.
    allow_imbalance
        Accept data that are not an equilibrium. Such an economy cannot be solved, only ``rebased``.

    Raises
    ------
    InputError
        Listing every missing array, label that does not match, negative or unbalanced cell.

    Examples
    --------
    >>> import reestim as ree
    >>> economy = ree.Economy.from_dataset(ree.load_dataset("rare-earths-2010"))
    >>> bool(economy.check()["holds"].all())
    True
    """

    def __init__(self, ds: xr.Dataset, allow_imbalance: bool = False) -> None:
        self.ds: xr.Dataset = ordered(ds)
        self.countries: tuple[str, ...] = tuple(str(c) for c in self.ds[COUNTRY].values)
        self.sectors: tuple[str, ...] = tuple(str(s) for s in self.ds[SECTOR].values)
        self.factors: tuple[str, ...] = tuple(str(f) for f in self.ds[FACTOR].values)
        self.elements: tuple[str, ...] = tuple(str(e) for e in self.ds[ELEMENT].values)
        self.carriers: tuple[str, ...] = tuple(str(c) for c in self.ds.get(CARRIER, xr.DataArray([])).values)
        self.members: tuple[str, ...] = self.elements + self.carriers
        self.is_balanced: bool = bool(self._gaps["relative_gap"].max() <= IDENTITY_TOLERANCE)
        if not self.is_balanced and not allow_imbalance:
            raise InputError(imbalance_problems(self._gaps), "the baseline is not an equilibrium")

    @property
    def baseline(self) -> Baseline:
        """The baseline as arrays of JAX."""
        return self._accounts[0]

    @property
    def _gaps(self) -> pd.DataFrame:
        return self._accounts[1]

    @cached_property
    def _accounts(self) -> tuple[Baseline, pd.DataFrame]:
        require_jax()
        return account(self.ds)

    def __getstate__(self) -> dict[str, Any]:
        """Without arrays of JAX: a copy in another process makes its own when it needs them."""
        return {name: value for name, value in vars(self).items() if name != "_accounts"}

    @classmethod
    def from_dataset(cls, data: Dataset) -> Economy:
        """The economy of a checked dataset, with its rare-earth rows split out of the host industry.

        Parameters
        ----------
        data
            From `reestim.load_dataset`.

        Returns
        -------
        Economy
            Goods, then elements (and carriers) as sectors; money in million US$ of the dataset's base year.

        Raises
        ------
        InputError
            Where the rare earths cannot be split out of their host (`reestim.ree_input_output`).

        Examples
        --------
        >>> ree.Economy.from_dataset(data).elements[:2]
        ('La', 'Ce')
        """
        from reestim.supply_chain.ree_rows import ree_input_output

        return cls(ree_input_output(data))

    def check(self, by_cell: bool = False) -> pd.DataFrame:
        """Check the accounting identities of the baseline.

        Parameters
        ----------
        by_cell
            One row a cell instead of one an identity.

        Returns
        -------
        pandas.DataFrame
            identity, cells, worst_cell, gap (money of the data), relative_gap, holds; with ``by_cell`` identity, cell,
            value, gap, relative_gap.

        Examples
        --------
        >>> float(economy.check()["relative_gap"].max()) < 1e-9
        True
        """
        return self._gaps if by_cell else by_identity(self._gaps)

    def rebased(self, deficits: str = "fixed", parameters: Parameters | None = None) -> Economy:
        """The equilibrium nearest to data that are not one: same technology, tastes and factors, no shock.

        Parameters
        ----------
        deficits
            ``"fixed"`` keeps the deficits D of the data, ``"balanced"`` removes them first (as Caliendo and Parro do).
        parameters
            Elasticities that the equilibrium is computed with; by default those of the data, and σ = ρ = 1.

        Returns
        -------
        Economy
            A balanced economy; its :attr:`rebasing` says how far every array moved.

        Raises
        ------
        InputError
            For another word for ``deficits``.
        EquilibriumError
            Where no equilibrium is found.

        Examples
        --------
        >>> economy.rebased("balanced").baseline.deficit.shape == (len(economy.countries),)
        True
        """
        from reestim.equilibrium.rebase import rebase

        return rebase(self, deficits, parameters)

    @property
    def rebasing(self) -> pd.DataFrame | None:
        """How far each array was moved to make this baseline: array, smallest, largest, unit, farthest (the cell).

        None for an economy that was not rebased.
        """
        about = self.ds.attrs.get("rebasing")
        return None if about is None else pd.DataFrame(json_value(about)["moves"])

    def with_mine(self, country: str, element: str, share_of_world: float) -> Economy:
        """The economy with a mine where it has none, as :class:`Mine` of a scenario has it.

        Parameters
        ----------
        country, element
            Labels of the economy; the country does not mine the element at the baseline.
        share_of_world
            The mine's share of the world's revenue from mining the element, in (0, 1).

        Returns
        -------
        Economy
            A new one. The attribute ``mines`` of its Dataset says how far a deficit moved, in the money of the data.

        Raises
        ------
        InputError
            Unknown labels, a share outside (0, 1), a country that mines the element already, an element without trade.

        Examples
        --------
        >>> world = ree.Economy.from_dataset(data)
        >>> mine = world.with_mine("JPN", "Dy", 0.01)
        >>> round(float(mine.baseline.output[mine.countries.index("JPN"), mine.sectors.index("Dy")]), 2) > 0
        True
        """
        from reestim.equilibrium.mines import with_mine

        return with_mine(self, country, element, share_of_world)

    def __repr__(self) -> str:
        b, carriers = self.baseline, f", {len(self.carriers)} carriers" if self.carriers else ""
        lines = [
            f"Economy: {len(self.countries)} countries × {len(self.sectors)} sectors "
            f"({len(self.elements)} elements{carriers}), {len(self.factors)} factors",
            f"  world output {float(b.output.sum()):.6g}, income {float(b.income.sum()):.6g}",
            f"  rare earths: {float((b.ree_share * b.output).sum()):.6g} of costs, "
            f"largest share {float(b.ree_share.max()):.3g}",
            f"  largest gap of an identity {self._gaps['relative_gap'].to_numpy().max():.2e} (relative)",
        ]
        return "\n".join(lines)
