"""A PyMC model whose data are arguments: compiled once, sampled on any number of datasets of one shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np
import pymc as pm
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from reestim.estimate.density import Density
from reestim.estimate.pymc_model import PymcModel


@dataclass(frozen=True)
class _Given(Density):
    """The density of one dataset, its compiled functions shared with those of the others."""

    shared: Callable[..., Any]
    data: Sequence[np.ndarray]
    expand: Callable[[Any], dict[str, Any]]

    @cached_property
    def value_and_gradient(self) -> Callable[[Any], tuple[Array, Array]]:
        return lambda x: self.shared(x, self.data)

    @cached_property
    def variables_of_all(self) -> Callable[[Any], dict[str, Array]]:
        return self.expand


@dataclass(frozen=True)
class ModelOnData:
    """What a sampler takes: a model, in no language of its own, on one dataset."""

    made: Density

    @property
    def pymc(self) -> None:
        """PyMC's own sampler cannot run it."""
        return

    def density(self) -> Density:
        """The density on the unconstrained scale."""
        return self.made


class ReconditionedModel:
    """A PyMC model without its data. Up to a constant of each dataset (arrangements of counts that the model works out
    beforehand) the log density is the model's."""

    def __init__(self, model: pm.Model) -> None:
        from pymc.sampling.jax import get_jaxified_graph
        from pytensor.graph.replace import clone_replace

        observed = {str(rv.name): model.rvs_to_values[rv] for rv in model.observed_RVs}
        symbols: Any = {name: value.type(name=f"data_{name}") for name, value in observed.items()}
        logp: Any = clone_replace([model.logp()], replace={observed[n]: s for n, s in symbols.items()})  # pyright: ignore
        graph: Any = get_jaxified_graph(inputs=[*model.value_vars, *symbols.values()], outputs=logp)
        start = model.initial_point()
        _, unravel = ravel_pytree([np.asarray(start[str(v.name)], float) for v in model.value_vars])

        def log_density(x: Any, data: Sequence[Any]) -> Any:
            return graph(*unravel(x), *data)[0]

        self._kinds = {name: value.type.dtype for name, value in observed.items()}  # pyright: ignore
        self._log_density = log_density
        self._value_and_gradient = jax.jit(jax.value_and_grad(log_density))
        self._own = PymcModel(model).density()

    def on_data(self, data: Mapping[str, Any]) -> ModelOnData:
        """The model on these data, one array for each observed variable."""
        arrays = [np.asarray(data[name], kind) for name, kind in self._kinds.items()]
        own = self._own
        return ModelOnData(
            _Given(
                log_density=lambda x: self._log_density(x, arrays),
                centre=own.centre,
                variables=own.variables,
                dims=own.dims,
                coords=own.coords,
                shared=self._value_and_gradient,
                data=arrays,
                expand=own.variables_of_all,
            )
        )
