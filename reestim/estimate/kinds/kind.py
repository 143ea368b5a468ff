"""A kind of evidence as an object: what every part of REEstim that works on evidence needs to know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd
import xarray as xr

from reestim.errors import Problem
from reestim.estimate.kinds.signal import Block
from reestim.estimate.kinds.variable import Variable

if TYPE_CHECKING:
    from reestim.study.spec import Evidence


@dataclass(frozen=True)
class Sources:
    """What the inputs of a kind are made from.

    ``tables`` by file stem, columns of data/README.md; ``io``: the arrays of docs/model.md section 3; ``price``: q
    (country, sector, year) in all years that have one, log points; ``model_years``: those of the model;
    ``bundle``: prices by element (`reestim.estimate.bundle_inputs`), where the study needs them.
    """

    tables: Mapping[str, pd.DataFrame]
    io: xr.Dataset
    price: xr.DataArray
    model_years: Sequence[int]
    evidence: Evidence
    policy_year: int
    bundle: xr.Dataset | None = None


@dataclass(frozen=True)
class Observed:
    """One array that the likelihood conditions on, as checks and figures show it.

    ``label``: what it is, in words; ``sums``: the dims that checks sum it to, each with the name of that statistic
    (none: it is compared as it is); ``panel``: title of a panel of the predictive figure, ``{}`` standing for the
    series (empty: no panel).
    """

    label: str
    sums: Mapping[str, str] = field(default_factory=dict)
    panel: str = ""


def _no_problems(data: xr.Dataset) -> list[Problem]:
    del data
    return []


def _no_coords(data: xr.Dataset) -> dict[str, Sequence[object]]:
    del data
    return {}


def _nothing(evidence: Evidence) -> frozenset[str]:
    del evidence
    return frozenset()


@dataclass(frozen=True)
class EvidenceKind:
    """A kind of evidence.

    Attributes
    ----------
    name
        The switch of a study, ``[evidence] NAME = true``.
    files
        What it needs, as stems of files; of a tuple one is enough.
    inputs
        From the sources to arrays of the model's inputs.
    observed
        What the likelihood conditions on. The first is in the inputs of every study that uses the kind: a model asks
        ``if NAME in data``.
    variables
        Parameters of its block and what it observes, with their units (`reestim.estimate.variables`).
    blocks
        What the structure predicts of it, for the check of power (`reestim.checks.power`): one block, or several that
        are judged by themselves.
    by_sector
        Files with rows by sector, which a refit without a sector takes out. Others are of all sectors.
    left_aside
        Stems of its files that a study does not use although it uses the kind.
    problems
        What keeps its arrays from being used by a model.
    coords
        Labels of dims that a model needs beside those of the inputs.
    """

    name: str
    files: tuple[tuple[str, ...], ...]
    inputs: Callable[[Sources], xr.Dataset]
    observed: Mapping[str, Observed]
    variables: Mapping[str, Variable]
    blocks: tuple[Block, ...]
    by_sector: tuple[str, ...] = ()
    left_aside: Callable[[Evidence], frozenset[str]] = _nothing
    problems: Callable[[xr.Dataset], list[Problem]] = _no_problems
    coords: Callable[[xr.Dataset], Mapping[str, Sequence[object]]] = _no_coords

    def is_on(self, evidence: Evidence) -> bool:
        """Whether a study uses the kind; ``evidence`` as `Evidence.settled` gives it for a dataset."""
        switch: bool | None = getattr(evidence, self.name)
        if switch is None:
            raise TypeError(f"evidence.{self.name} is open: call Evidence.settled with the files of the dataset")
        return switch

    def is_in(self, data: xr.Dataset) -> bool:
        """Whether inputs of a model hold the kind."""
        return next(iter(self.observed)) in data

    @property
    def stems(self) -> tuple[str, ...]:
        """All its files."""
        return tuple(stem for need in self.files for stem in need)

    def needs(self, evidence: Evidence) -> list[tuple[str, ...]]:
        """Files that a study with this kind needs; of a tuple one is enough."""
        aside = self.left_aside(evidence)
        left = [tuple(stem for stem in need if stem not in aside) for need in self.files]
        return [need for need in left if need]
