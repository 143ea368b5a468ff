"""What is to be as large as possible: money of a country or coalition, in expectation or in its worst draws."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from reestim.equilibrium.economy import Economy
from reestim.errors import InputError, Problem
from reestim.wording import closest


@dataclass(frozen=True)
class Objective:
    """Whose welfare is to be as large as possible, and how uncertainty counts.

    The objective is the equivalent variation of the countries together, income · (exp(welfare) − 1), money of the data
    a year, less the stated cost of the instruments; over the posterior draws its mean, or the mean of the worst.

    Parameters
    ----------
    countries
        A label of the economy, several (a coalition, whose money is added up), or ``"all"``.
    tail
        None: the mean over all draws. Otherwise the share of the draws, those with the least money, over which the mean
        is taken: 0.05 is the conditional value at risk at 5 %.
    budget
        The most that instruments may cost in expectation, money of the data a year: their stated costs, and what
        governments pay as subsidies that are instruments. Losses by distortion and revenue of tariffs are not counted.
        None: no limit.

    Raises
    ------
    InputError
        Listing everything that is wrong.

    Examples
    --------
    >>> import reestim as ree
    >>> ree.Objective(("USA", "JPN"), tail=0.05).countries
    ('USA', 'JPN')
    """

    countries: tuple[str, ...] | str
    tail: float | None = None
    budget: float | None = None

    def __post_init__(self) -> None:
        problems = []
        if not isinstance(self.countries, str):
            object.__setattr__(self, "countries", tuple(self.countries))
        if not self.countries:
            problems.append(Problem("nobody's welfare is the objective", "Name a country.", column="countries"))
        if self.tail is not None and not 0 < self.tail <= 1:
            advice = "Give a share above 0 and at most 1, such as 0.05."
            problems.append(Problem("this is not a share of the draws", advice, column="tail", value=self.tail))
        if self.budget is not None and not self.budget > 0:
            advice = "Give a positive sum of money, or none."
            problems.append(Problem("this budget buys nothing", advice, column="budget", value=self.budget))
        if problems:
            raise InputError(problems, "the objective is not possible")

    def members(self, economy: Economy) -> Float[np.ndarray, " country"]:
        """The countries that the objective names.

        Parameters
        ----------
        economy
            Whose labels.

        Returns
        -------
        numpy.ndarray
            1 for a country that it names, else 0 (country).

        Raises
        ------
        InputError
            For unknown countries.

        Examples
        --------
        >>> ree.Objective(economy.countries[0]).members(economy).tolist()
        [1.0, 0.0, 0.0]
        """
        countries = economy.countries
        names: Iterable[str] = countries if self.countries == "all" else self.countries
        named = (names,) if isinstance(names, str) else tuple(names)
        problems = [
            Problem("the objective names an unknown country", closest(name, countries), value=name)
            for name in named
            if name not in countries
        ]
        if problems:
            raise InputError(problems, "the objective does not fit the economy")
        return np.array([float(name in named) for name in countries])

    def weights(self, money: Float[np.ndarray, " draw"]) -> Float[np.ndarray, " draw"]:
        """Weight of each draw: equal, or on the worst ``tail`` of them (the last one in part).

        Parameters
        ----------
        money
            Money of the data a year (draw).

        Returns
        -------
        numpy.ndarray
            Weights that sum to one (draw).

        Examples
        --------
        >>> import numpy as np
        >>> ree.Objective("USA", tail=0.5).weights(np.array([3.0, 1.0, 2.0, 4.0])).tolist()
        [0.0, 0.5, 0.5, 0.0]
        """
        share = np.full(len(money), 1 / len(money))
        if self.tail is None:
            return share
        order = np.argsort(money, kind="stable")
        left = np.maximum(self.tail - np.arange(len(money)) / len(money), 0.0)
        share[order] = np.minimum(share, left) / self.tail
        return share

    def value(self, money: Float[np.ndarray, " draw"]) -> float:
        """The objective for money by draw.

        Parameters
        ----------
        money
            Money of the data a year (draw).

        Returns
        -------
        float
            In the unit of ``money``.

        Examples
        --------
        >>> import numpy as np
        >>> ree.Objective("USA", tail=0.5).value(np.array([3.0, 1.0, 2.0, 4.0]))
        1.5
        """
        return float(self.weights(money) @ money)

    @property
    def in_words(self) -> str:
        """Whose, and over which draws."""
        whom = self.countries if isinstance(self.countries, str) else " and ".join(self.countries)
        over = "mean" if self.tail is None else f"mean of the worst {100 * self.tail:g} %"
        return f"equivalent variation of {'the world' if whom == 'all' else whom}, {over} of the draws"
