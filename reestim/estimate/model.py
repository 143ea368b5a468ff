"""What estimation asks of a model, whatever language it is written in: PyMC and NumPyro models answer alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Union, cast, runtime_checkable

import pymc as pm
import xarray as xr

from reestim.numerics.jax_setup import require_jax

if TYPE_CHECKING:
    from reestim.estimate.density import Density
    from reestim.estimate.numpyro_model import NumpyroModel

#: What `reestim.build` returns.
Model = Union["pm.Model", "NumpyroModel"]
#: From variables on their own scale (one draw) to log densities by variable, nats. What is observed, where it is real
#: numbers, may stand among the variables: its density is then that of these numbers.
LogTerms = Callable[[dict[str, Any]], dict[str, Any]]


class Study(NamedTuple):
    """What a model was built from: the inputs (`reestim.estimate.inputs.model_inputs`), and the names of the parameters
    whose prior the study states."""

    inputs: xr.Dataset
    stated: tuple[str, ...]


@runtime_checkable
class SampledModel(Protocol):
    """What a sampler takes. ``pymc`` is the PyMC model where it is one: PyMC's own sampler needs it."""

    @property
    def pymc(self) -> pm.Model | None: ...

    def density(self) -> Density:
        """The joint density on the unconstrained scale, and the way back to the named variables."""
        ...


@runtime_checkable
class EstimationModel(SampledModel, Protocol):
    """A model as `fit` and the predictive draws see it; adapters: ``PymcModel``, ``NumpyroModel``."""

    @property
    def language(self) -> str:
        """Name of the library that it is written in: ``pymc`` or ``numpyro``."""
        ...

    @property
    def study(self) -> Study | None:
        """What it was built from; None for a model that `reestim.build` did not make."""
        ...

    @property
    def about(self) -> Mapping[str, Mapping[str, str]]:
        """``long_name`` and ``units`` of each variable."""
        ...

    @property
    def free(self) -> tuple[str, ...]:
        """Names of what is sampled."""
        ...

    @property
    def observed(self) -> Mapping[str, Any]:
        """What the likelihood conditions on, by name."""
        ...

    @property
    def dims(self) -> Mapping[str, tuple[str, ...]]:
        """Dims of each variable that has any."""
        ...

    @property
    def coords(self) -> Mapping[str, Sequence[object]]:
        """Labels of the dims that have labels."""
        ...

    def observed_data(self) -> xr.Dataset:
        """What the likelihood conditions on, with dims and labels."""
        ...

    def prior(self, draws: int, seed: int) -> xr.Dataset:
        """Draws (chain, draw, ...) of the parameters from their prior, one chain; no simulated data."""
        ...

    def simulated(self, parameters: xr.Dataset, seed: int) -> xr.Dataset:
        """What is observed, drawn anew at each draw (chain, draw) of the parameters."""
        ...

    def log_terms(self, names: Sequence[str]) -> LogTerms:
        """Log density of each of these variables given the others, priors as stated, without Jacobians."""
        ...


def adapt[Adapted: SampledModel](model: Model | Adapted) -> EstimationModel | Adapted:
    """A model of either language as estimation sees it; what is adapted already, as it is.

    Raises InputError where JAX, which its density is computed with, cannot be used (``require_jax``).
    """
    from reestim.estimate.pymc_model import PymcModel

    require_jax()
    return PymcModel(model) if isinstance(model, pm.Model) else cast(EstimationModel, model)
