"""A mine where the baseline has none: zero flows stay zero in this model, so a new mine needs a small beginning."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reestim.dims import COUNTRY, resource
from reestim.equilibrium.contract import DERIVED
from reestim.equilibrium.mining import cost_shares
from reestim.equilibrium.policy import Labels
from reestim.errors import InputError, Problem, Problems
from reestim.io.json_text import json_text, json_value

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy


@dataclass(frozen=True)
class Mine:
    """A mine in a country that has none in the baseline, as part of the economy that a scenario begins from.

    A policy such as :class:`reestim.SupplyShock` then changes what it yields. :meth:`reestim.Economy.with_mine` says
    what a new mine costs and who buys from it.

    Parameters
    ----------
    country
        A label of the economy.
    elements
        Elements that it yields: a label, several, or ``"all"`` that the country does not mine in the baseline.
    share_of_world
        Its share of the world's revenue from mining each of them, 0 < share < 1.

    Examples
    --------
    >>> import reestim as ree
    >>> ree.Scenario(mines=(ree.Mine("VNM", ("Dy", "Tb"), 0.01),)).mines[0].elements
    ('Dy', 'Tb')
    """

    country: str
    elements: Labels
    share_of_world: float

    def opened(self, economy: Economy) -> Economy:
        """The economy with the mine.

        Parameters
        ----------
        economy
            The baseline without it.

        Returns
        -------
        Economy
            A new economy.

        Raises
        ------
        InputError
            With the problems of every element that it cannot yield.

        Examples
        --------
        >>> world = ree.Economy.from_dataset(data)
        >>> ree.Mine("JPN", "Dy", 0.01).opened(world) is world
        False
        """
        problems = Problems()
        for element in self.labels(economy):
            with problems.collect():
                economy = with_mine(economy, self.country, element, self.share_of_world)
        if problems:
            raise InputError(problems, "the mine cannot be placed")
        return economy

    def labels(self, economy: Economy) -> tuple[str, ...]:
        """The elements of the mine in an economy.

        Parameters
        ----------
        economy
            The baseline without it.

        Returns
        -------
        tuple of str
            Of ``"all"``: those that the country does not mine and the world does.

        Raises
        ------
        InputError
            Where the country mines every element in the baseline.

        Examples
        --------
        >>> ree.Mine("JPN", ("Dy", "Tb"), 0.01).labels(economy)
        ('Dy', 'Tb')
        """
        if self.elements != "all":
            return (self.elements,) if isinstance(self.elements, str) else self.elements
        if self.country not in economy.countries:
            return tuple(economy.elements)
        mined = np.asarray(economy.baseline.output)
        at = economy.countries.index(self.country)
        columns = {element: economy.sectors.index(element) for element in economy.elements}
        free = tuple(e for e, s in columns.items() if mined[at, s] == 0 and mined[:, s].sum() > 0)
        if not free:
            advice = "Change the size of its mines by a SupplyShock."
            raise InputError(Problem("the country mines every element in the baseline", advice, value=self.country))
        return free


def with_mine(economy: Economy, country: str, element: str, share_of_world: float) -> Economy:
    """The economy with a mine of ``element`` in ``country`` that earns ``share_of_world`` of the world's mine revenue.

    Every country that imports the element, and the mine's own country if it uses it, buys the same share of it from
    the new mine, all other suppliers give way in proportion, and nobody's expenditure moves. Sales of the new mine
    carry the baseline's taxes of its country. It costs what mines of the element cost in the mean (by revenue) where
    the data give the country no resource. Revenue moves between countries with no change in what they spend, so that
    the deficits take it up: the attribute ``mines`` of the new Dataset records the largest move of a deficit, in the
    money of the data. Tonnes (``element_supply``) stay those of the data. A :class:`reestim.SupplyShock` then opens
    the mine wider.

    Parameters
    ----------
    economy
        The baseline without the mine.
    country, element, share_of_world
        As for :meth:`reestim.Economy.with_mine`.

    Returns
    -------
    Economy
        A new economy.

    Raises
    ------
    InputError
        Unknown labels, a share outside (0, 1), a country that mines the element already, an element that nobody trades.
    """
    b, problems = economy.baseline, []
    asked = {"country": (country, economy.countries), "element": (element, economy.elements)}
    for what, (name, names) in asked.items():
        if name not in names:
            advice = f"The economy has {', '.join(names) or 'none'}."
            problems.append(Problem(f"the mine names an unknown {what}", advice, column=what, value=name))
    if not (math.isfinite(share_of_world) and 0 < share_of_world < 1):
        advice = "Give a fraction in (0, 1), such as 0.01."
        message = "a mine's share of the world must be a fraction"
        problems.append(Problem(message, advice, column="share_of_world", value=share_of_world))
    if problems:
        raise InputError(problems, "the mine cannot be placed")
    if resource(element) not in economy.factors:
        advice = f"Name the element's own factor {resource(element)!r} in the economy."
        raise InputError(Problem(f"{element} has no resource of its own", advice, value=element))
    i, s = economy.countries.index(country), economy.sectors.index(element)
    revenue = np.asarray(b.output)[:, s]
    if revenue[i] > 0:
        advice = "Change its size by a SupplyShock."
        raise InputError(Problem(f"{country} mines {element} in the baseline", advice, value=element))

    share, spending = np.array(b.trade_share), np.asarray(b.expenditure)[:, s]
    border = (1 + np.asarray(b.tariff)[:, :, s]) * (1 + np.asarray(b.export_tax)[:, :, s])
    imports = spending * (share[:, :, s].sum(axis=1) - np.diag(share[:, :, s])) > 0
    buyers = imports | ((np.arange(len(spending)) == i) & (spending > 0))
    old = (share[:, :, s] * spending[:, None] / border)[buyers].sum()  # producers' revenue from these buyers
    new = (spending / border[:, i])[buyers].sum()  # what the mine would earn if it sold them everything
    # a·new / (all − a·old + a·new) = share_of_world
    part = share_of_world * revenue.sum() / (new - share_of_world * (new - old)) if buyers.any() else math.inf
    if not part < 1:
        advice = "Give a smaller share; those who buy only at home stay with their own mines."
        message = f"buyers of {element} abroad spend too little for a mine of this size"
        raise InputError(Problem(message, advice, value=share_of_world))
    share[buyers, :, s] *= 1 - part
    share[buyers, i, s] = part

    ds = economy.ds.drop_vars(DERIVED, errors="ignore").copy()
    ds["trade_share"] = ds.trade_share.copy(data=share)
    factors, inputs = map(np.array, cost_shares(b))
    if not factors[i, economy.factors.index(resource(element)), s] > 0:
        weight = revenue / revenue.sum()
        factors[i, :, s], inputs[i, :, s] = weight @ factors[:, :, s], weight @ inputs[:, :, s]
    ds["factor_share"], ds["input_share"] = ds.factor_share.copy(data=factors), ds.input_share.copy(data=inputs)
    if "producer_price" in ds:
        price = ds.producer_price.transpose(COUNTRY, "element").copy()
        prices = price.sel({"element": element}).values
        if not prices[i] > 0:
            price.loc[{COUNTRY: country, "element": element}] = float(revenue / revenue.sum() @ prices)
        ds["producer_price"] = price
    made = type(economy)(ds)
    moved = float(np.abs(np.asarray(made.baseline.deficit) - np.asarray(b.deficit)).max())
    mine = {COUNTRY: country, "element": element, "share_of_world": share_of_world, "largest_move_of_a_deficit": moved}
    made.ds.attrs["mines"] = json_text([*json_value(economy.ds.attrs.get("mines", "[]")), mine])
    return made
