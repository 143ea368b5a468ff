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
from pytensor.gradient import grad

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
    """A PyMC model without its data, observed or ``pm.Data``. Up to a constant of each dataset (arrangements of counts
    that the model works out beforehand) the log density is the model's.

    Parameters
    ----------
    model
        With the data it was built on.
    beside
        Whether its own data are conditioned on too: the posterior given both, at the same parameters.
    """

    def __init__(self, model: pm.Model, *, beside: bool = False) -> None:
        from pymc.sampling.jax import get_jaxified_graph
        from pytensor.graph.replace import clone_replace

        observed: dict[str, Any] = {str(rv.name): model.rvs_to_values[rv] for rv in model.observed_RVs}
        own: dict[str, Any] = {str(data.name): data for data in model.data_vars}
        symbols: Any = {name: value.type(name=f"data_{name}") for name, value in (observed | own).items()}
        wanted: Any = [*model.free_RVs, *model.deterministics]
        new: Any = {value: symbols[name] for name, value in (observed | own).items()}
        density, *variables_at = clone_replace([model.logp(), *model.replace_rvs_by_values(wanted)], replace=new)  # pyright: ignore
        if beside:  # the likelihood of the model's own data, at the coordinates of the new ones
            likelihood: Any = model.logp(vars=model.observed_RVs)
            density: Any = density + clone_replace(likelihood, replace={v: symbols[n] for n, v in own.items()})
        slopes: Any = grad(density, model.value_vars)  # PyTensor's: less work than JAX's own, see nutpie_chains
        replaced = [density, *slopes, *variables_at]
        inputs, named = [*model.value_vars, *symbols.values()], 1 + len(slopes)
        graph: Any = get_jaxified_graph(inputs=inputs, outputs=replaced[:1])
        with_slopes: Any = get_jaxified_graph(inputs=inputs, outputs=replaced[:named])
        expand: Any = get_jaxified_graph(inputs=inputs, outputs=replaced[named:])
        start = model.initial_point()
        _, unravel = ravel_pytree([np.asarray(start[str(v.name)], float) for v in model.value_vars])
        names = [str(v.name) for v in wanted]

        def log_density(x: Any, data: Sequence[Any]) -> Any:
            return graph(*unravel(x), *data)[0]

        def value_and_gradient(x: Any, data: Sequence[Any]) -> tuple[Any, Any]:
            value, *gradient = with_slopes(*unravel(x), *data)
            return value, ravel_pytree(gradient)[0]

        def variables(x: Any, data: Sequence[Any]) -> dict[str, Any]:
            return dict(zip(names, expand(*unravel(x), *data), strict=True))

        def variables_of_all(x: Any, data: Sequence[Any]) -> dict[str, Any]:
            return jax.lax.map(lambda one: variables(one, data), x, batch_size=min(256, len(x)))

        self._kinds = {name: symbol.type.dtype for name, symbol in symbols.items()}
        self._defaults = {name: np.asarray(data.get_value()) for name, data in own.items()}
        self._log_density, self._variables = log_density, variables
        self._value_and_gradient = jax.jit(value_and_gradient)
        self._variables_of_all = jax.jit(variables_of_all)
        self._own = PymcModel(model).density()

    def on_data(self, data: Mapping[str, Any]) -> ModelOnData:
        """The model on these data, one array for each observed variable; a ``pm.Data`` that is not named keeps its
        value."""
        values = self._defaults | dict(data)
        arrays = [np.asarray(values[name], kind) for name, kind in self._kinds.items()]
        own = self._own
        return ModelOnData(
            _Given(
                log_density=lambda x: self._log_density(x, arrays),
                centre=own.centre,
                variables=lambda x: self._variables(x, arrays),
                dims=own.dims,
                coords=own.coords,
                shared=self._value_and_gradient,
                data=arrays,
                expand=lambda x: self._variables_of_all(x, arrays),
            )
        )
