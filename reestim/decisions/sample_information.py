"""What further data are worth: by how much they would narrow the bands of welfare, and what they add to a decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float

from reestim.counterfactuals.information import LEAST
from reestim.counterfactuals.inputs import SAMPLE
from reestim.counterfactuals.score_regression import (
    DEGREE,
    Basis,
    basis_of,
    falls_with_error,
    fitted,
    normal_outcomes,
    of_chance,
    standard_error,
)
from reestim.decisions.design_data import measured
from reestim.decisions.designs import Design
from reestim.decisions.objective import Objective
from reestim.decisions.optimise import NOTHING
from reestim.dims import CHAIN, COUNTRY, DRAW, SCENARIO, TECHNOLOGY
from reestim.errors import InputError, Problem
from reestim.intervals import ends
from reestim.results.effects import economy_of, money_unit
from reestim.results.world import equivalent_variations
from reestim.wording import closest

DESIGN = "design"

#: Draws for each column of a regression, at least; the degree of the polynomial falls until there are so many.
_DRAWS_A_COLUMN = 25
#: Blocks of draws that are left out in turn, for the standard error.
_BLOCKS = 20


def evsi(
    post: xr.DataTree,
    designs: Design | Sequence[Design],
    *,
    seed: int,
    objective: Objective | None = None,
    policies: Sequence[str] | None = None,
) -> xr.Dataset:
    """Expected value of sample information: what the data of a design would be worth before they are collected.

    At every posterior draw the data that the design would give are simulated. Welfare is regressed on what the design
    measures, and what that explains on summary statistics of the data (Strong, Oakley, Brennan and Breeze 2015): what
    the data explain is what they would teach. As in
    :func:`evppi` this is the expected fall of the 90 % band of welfare; with an ``objective`` it is money too, what
    whoever chooses among policies gains in expectation by choosing after the data.

    Parameters
    ----------
    post
        With the groups ``counterfactual`` and ``posterior``; ``inputs`` for an :class:`InputSurvey`, ``constant_data``
        for a :class:`PatentAudit` or :class:`UsePanel`.
    designs
        What could be measured: :class:`PatentAudit`, :class:`UsePanel`, :class:`InputSurvey`.
    seed
        Of the simulated data, a whole number of at least 0.
    objective
        Whose equivalent variation the choice is to make largest, in expectation; None for no decision. It has no tail
        and no budget.
    policies
        Names of scenarios of the run between which is chosen, and ``"nothing"`` for none of them; None for all
        scenarios.

    Returns
    -------
    xarray.Dataset
        ``band`` (scenario, technology, country): width of the 90 % interval of welfare, percentage points;
        ``reduction`` (scenario, technology, country, design): its expected fall by the data of the design,
        ``reduction_known``: by knowing exactly what the design measures, and ``reduction_error`` and
        ``reduction_known_error``, standard errors by leaving out a twentieth of the draws in turn. ``beyond_chance``:
        whether the data explain more than noise would in the best of the designs, with probability 0.95. With an
        objective, in money of the data a year: ``value`` and ``value_known`` (technology, design) of the decision, with
        ``value_error`` and ``value_known_error``, and ``value_all`` (technology), of knowing everything;
        ``best_policy`` (technology) without further data. NaN where fewer than 20 draws were solved.

    Raises
    ------
    InputError
        If there is no counterfactual, a design does not fit the run, or draws are too few for it; if the objective has
        a tail or a budget, or fewer than two policies are there.

    Notes
    -----
    Designs are taken one by one, not together. The statistics of a panel are two combinations of the changes of each
    sector, those of an audit the shares of true classes by label; the regression is a sum of polynomials, without
    interactions. Both make the value smaller than that of the data themselves. Given the parameters, the data of a
    design are independent of those behind the posterior: figures that it has seen already are worth less than is said.

    Examples
    --------
    >>> survey = ree.InputSurvey("element_price", 0.5)
    >>> worth = ree.evsi(drawn, survey, seed=1).sel(scenario="s", technology="fixed", country="a").squeeze()
    >>> bool(0 < worth["reduction"] < worth["reduction_known"] < worth["band"])
    True
    """
    listed: list[Design] = list(designs) if isinstance(designs, Sequence) else [designs]
    chosen = _check(post, listed, seed, objective, policies)
    ds = post["counterfactual"].to_dataset()
    names = [one.in_words for one in listed]
    bases = _bases(post, ds, listed, seed)
    result = _bands(ds, bases, names)
    if objective is not None:
        result = result.merge(_values(post, ds, bases, names, objective, chosen), combine_attrs="override")
        result.attrs |= {
            "objective": objective.in_words,
            "policies": ", ".join(chosen),
            "money_unit": money_unit(economy_of(post)),
        }
    result.attrs |= {"draws": ds.sizes[CHAIN] * ds.sizes[DRAW], "seed": seed}
    return result


class _Bases(NamedTuple):
    """Functions of the data of each design, and of what it measures."""

    data: list[Basis]
    known: list[Basis]

    def rows(self) -> list[list[Basis]]:
        """Of each design the data, through what they measure; then of each what it measures."""
        return [[known, data] for known, data in zip(self.known, self.data, strict=True)] + [[k] for k in self.known]


def _bases(post: xr.DataTree, ds: xr.Dataset, designs: Sequence[Design], seed: int) -> _Bases:
    """Every design has a stream of its own: another design leaves its data as they are."""
    problems: list[Problem] = []
    data, known = [], []
    for design in designs:
        stream = np.random.default_rng([seed, *design.in_words.encode()])
        try:
            exact, observed = measured(design, post, ds, stream)
        except InputError as error:
            problems += error.problems
            continue
        degree = min(DEGREE, len(exact) // (_DRAWS_A_COLUMN * exact.shape[1]))
        if degree < 1:
            advice = f"Take {_DRAWS_A_COLUMN * exact.shape[1]} draws at least, or measure less."
            problems.append(Problem("there are too few draws for this design", advice, value=design.in_words))
            continue
        data.append(basis_of(observed, degree))
        known.append(basis_of(exact, degree))
    if problems:
        raise InputError(problems, "the value of these data cannot be computed")
    return _Bases(data, known)


def _bands(ds: xr.Dataset, bases: _Bases, names: list[str]) -> xr.Dataset:
    order, count = (SCENARIO, TECHNOLOGY, COUNTRY, SAMPLE), len(names)
    welfare = 100 * ds["welfare"].stack({SAMPLE: [CHAIN, DRAW]}).transpose(*order).values
    solved = ds["solved"].stack({SAMPLE: [CHAIN, DRAW]}).transpose(SCENARIO, TECHNOLOGY, SAMPLE).values
    shape = welfare.shape[:3]
    band, clear = np.full(shape, np.nan), np.zeros((*shape, count), bool)
    fall, error = np.full((2, *shape, 2 * count), np.nan)
    for place in np.ndindex(shape[:2]):
        good = solved[place]
        moves = np.ptp(welfare[place][:, good], axis=1) > 0 if good.sum() >= LEAST else np.zeros(shape[2], bool)
        if moves.any():
            values = welfare[place][moves][:, good].T
            known = [[basis[good] for basis in row] for row in bases.rows()]
            band[(*place, moves)] = np.diff(np.quantile(values, ends(), axis=0), axis=0)[0]
            fall[(*place, moves)], error[(*place, moves)] = falls_with_error(values, known, _BLOCKS, len(values))
            score = normal_outcomes(values)
            part = np.stack([fitted(score, basis[good])[1] for basis in bases.data], axis=1)
            clear[(*place, moves)] = part > [of_chance(len(values), count, b.shape[1] - 1) for b in bases.data]
    by, points = (SCENARIO, TECHNOLOGY, COUNTRY), {"units": "percentage points"}

    def of(values: np.ndarray, long_name: str) -> tuple[tuple[str, ...], np.ndarray, dict[str, str]]:
        return (*by, DESIGN), values, points | {"long_name": long_name}

    return xr.Dataset(
        {
            "band": (by, band, points | {"long_name": "width of the 90 % interval of welfare"}),
            "reduction": of(fall[..., :count], "expected fall of that width by the data"),
            "reduction_error": of(error[..., :count], "standard error of it"),
            "reduction_known": of(fall[..., count:], "expected fall by knowing what the data measure"),
            "reduction_known_error": of(error[..., count:], "standard error of it"),
            "beyond_chance": ((*by, DESIGN), clear, {"long_name": "more than chance makes of any of them"}),
        },
        coords={name: ds[name].values for name in by} | {DESIGN: names},
    )


def _values(
    post: xr.DataTree, ds: xr.Dataset, bases: _Bases, names: list[str], objective: Objective, policies: Sequence[str]
) -> xr.Dataset:
    """What each design, what it measures, and everything, add to the choice between policies."""
    economy = economy_of(post)
    members = xr.DataArray(objective.members(economy), {COUNTRY: list(economy.countries)})
    technologies = [str(name) for name in ds[TECHNOLOGY].values]
    count = len(names)
    best, everything = [], np.full(len(technologies), np.nan)
    value, error = np.full((2, len(technologies), 2 * count), np.nan)
    money = {
        name: (equivalent_variations(ds, name, economy) * members)
        .sum(COUNTRY, skipna=False)
        .transpose(..., CHAIN, DRAW)
        for name in policies
        if name != NOTHING
    }
    size = ds.sizes[CHAIN] * ds.sizes[DRAW]
    for k, technology in enumerate(technologies):
        by_policy = [
            np.zeros(size) if name == NOTHING else money[name].sel({TECHNOLOGY: technology}).values.ravel()
            for name in policies
        ]
        gains = np.stack(by_policy, axis=1)
        good = np.flatnonzero(np.isfinite(gains).all(axis=1))
        if len(good) < LEAST:
            best.append("")
            continue
        gains = gains[good]
        best.append(policies[int(gains.mean(axis=0).argmax())])
        everything[k] = gains.max(axis=1).mean() - gains.mean(axis=0).max()
        for j, row in enumerate(bases.rows()):
            at = [basis[good] for basis in row]
            value[k, j] = _value_of_choice(gains, at)
            error[k, j] = standard_error(
                lambda index, gains=gains, at=at: _value_of_choice(gains[index], [basis[index] for basis in at]),
                len(good),
                _BLOCKS,
            )
    by, unit = (TECHNOLOGY, DESIGN), {"units": "money of the data a year"}
    return xr.Dataset(
        {
            "value": (by, value[:, :count], unit | {"long_name": "what the data add to the decision"}),
            "value_error": (by, error[:, :count], unit | {"long_name": "standard error of it"}),
            "value_known": (by, value[:, count:], unit | {"long_name": "what knowing what they measure adds"}),
            "value_known_error": (by, error[:, count:], unit | {"long_name": "standard error of it"}),
            "value_all": (TECHNOLOGY, everything, unit | {"long_name": "what knowing everything adds"}),
            "best_policy": (TECHNOLOGY, best, {"long_name": "best without further data"}),
        },
        coords={TECHNOLOGY: technologies, DESIGN: names},
    )


def _value_of_choice(gains: Float[np.ndarray, "draw policy"], bases: Sequence[Basis]) -> np.ndarray:
    """E[max over policies of E(gain | data)] − max over policies E(gain); what policies have in common drops out.

    A conditional mean lies between the least and the largest gain of the draws, and a regression is held to that.
    """
    mean = gains.mean(axis=0)
    against = gains - gains[:, [int(mean.argmax())]]
    low, high, expected = against.min(axis=0), against.max(axis=0), against
    for basis in bases:
        expected = np.clip(expected.mean(axis=0) + fitted(expected, basis)[0], low, high)
    return np.asarray(expected.max(axis=1).mean())


def _check(
    post: xr.DataTree,
    designs: Sequence[Design],
    seed: int,
    objective: Objective | None,
    policies: Sequence[str] | None,
) -> list[str]:
    """The policies of the decision; raises everything that is wrong with the request."""
    problems = []
    if missing := [name for name in ("posterior", "counterfactual") if name not in post.children]:
        problems = [Problem(f"the DataTree has no group {name!r}", "Compute it first.") for name in missing]
        raise InputError(problems, "the value of these data cannot be computed")
    if not isinstance(seed, int) or seed < 0:  # pyright: ignore[reportUnnecessaryIsInstance]  (a user may give none)
        problems.append(Problem("data are simulated from a seed", "Give a whole number of at least 0.", value=seed))
    if not designs:
        problems.append(Problem("nothing is measured", "Give a design, such as ree.PatentAudit(500)."))
    names = [one.in_words for one in designs]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.append(Problem("a design is there twice", "Give each once.", value=name))
    scenarios = [str(name) for name in post["counterfactual"].to_dataset()[SCENARIO].values]
    chosen = scenarios if policies is None else list(dict.fromkeys(policies))
    problems += [
        Problem("this scenario is not in the run", closest(name, scenarios), column="policies", value=name)
        for name in chosen
        if name not in scenarios and name != NOTHING
    ]
    if objective is None and policies is not None:
        problems.append(Problem("policies are chosen by an objective", "Give objective=ree.Objective(...)."))
    if objective is not None:
        if objective.tail is not None or objective.budget is not None:
            problems.append(Problem("the decision is by the mean, without a budget", "Leave tail and budget out."))
        if len(chosen) < 2:
            advice = "Name two scenarios of the run, or one and 'nothing'."
            problems.append(Problem("there is nothing to decide between", advice, value=", ".join(chosen)))
        if "economy" not in post.children:
            problems.append(Problem("the DataTree has no group 'economy'", "Pass what ree.counterfactual returns."))
    if problems:
        raise InputError(problems, "the value of these data cannot be computed")
    return chosen
