"""A PyMC model as estimation sees it, and the ``pm.Model`` that `reestim.build` returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import jax.numpy as jnp
import numpy as np
import pymc as pm
import xarray as xr
from jax.flatten_util import ravel_pytree

from reestim.estimate.density import Density
from reestim.estimate.variables import attributes

if TYPE_CHECKING:
    from reestim.estimate.model import LogTerms, Study

#: Functions that run once: compiling them would take longer than running.
_ONCE = {"mode": "FAST_COMPILE"}


class StudyModel(pm.Model):
    """A ``pm.Model`` that knows what it was built from.

    It shares variables, coordinates and all else with the model that a model file made, whatever made that one
    (``with pm.Model()``, ``pm.do``, ``pm.observe``): the two are one model to PyMC.
    """

    def __init__(self, model: pm.Model, study: Study) -> None:
        super().__init__(model=None)
        vars(self).update(vars(model))
        self.study = study


@dataclass(frozen=True)
class PymcModel:
    """The adapter of a PyMC model, see `reestim.estimate.model.EstimationModel`."""

    pymc: pm.Model

    @property
    def language(self) -> str:
        """``pymc``."""
        return "pymc"

    @property
    def study(self) -> Study | None:
        """What the model was built from, where `reestim.build` made it."""
        return self.pymc.study if isinstance(self.pymc, StudyModel) else None

    @property
    def about(self) -> dict[str, dict[str, str]]:
        """long_name and units of each variable, from `reestim.estimate.variables` or as `set_units` noted them."""
        named = [*self.pymc.free_RVs, *self.pymc.observed_RVs, *self.pymc.deterministics]
        return {
            str(v.name): attributes(str(v.name), getattr(v.tag, "long_name", ""), getattr(v.tag, "units", ""))
            for v in named
        }

    @property
    def free(self) -> tuple[str, ...]:
        """Names of what is sampled."""
        return tuple(str(v.name) for v in self.pymc.free_RVs)

    @property
    def observed(self) -> dict[str, np.ndarray]:
        """What the likelihood conditions on, by name."""
        values = self.pymc.rvs_to_values
        return {str(v.name): np.asarray(cast(Any, values[v]).eval()) for v in self.pymc.observed_RVs}

    @property
    def dims(self) -> dict[str, tuple[str, ...]]:
        """Dims of each variable that has any."""
        return {str(name): tuple(map(str, dims)) for name, dims in self.pymc.named_vars_to_dims.items()}

    @property
    def coords(self) -> dict[str, Sequence[object]]:
        """Labels of the dims that have labels."""
        return {str(d): list(labels) for d, labels in self.pymc.coords.items() if labels is not None}

    def observed_data(self) -> xr.Dataset:
        """What the likelihood conditions on, with the dims of the model."""
        data, coords = {}, {}
        about, named_dims = self.about, self.dims
        for name, values in self.observed.items():
            dims = named_dims.get(name) or tuple(f"{name}_dim_{i}" for i in range(values.ndim))
            data[name] = (dims, values, about[name])
            coords |= {d: list(self.pymc.coords[d] or ()) for d in dims if d in self.pymc.coords}
        return xr.Dataset(data, coords=coords)

    def prior(self, draws: int, seed: int) -> xr.Dataset:
        """Draws of the parameters from their prior, one chain; no simulated data."""
        names = [str(v.name) for v in (*self.pymc.free_RVs, *self.pymc.deterministics)]
        drawn = pm.sample_prior_predictive(
            draws, model=self.pymc, var_names=names, random_seed=seed, compile_kwargs=_ONCE
        )
        return cast(Any, drawn)["prior"].to_dataset()

    def simulated(self, parameters: xr.Dataset, seed: int) -> xr.Dataset:
        """What is observed, drawn anew at each draw (chain, draw) of the parameters."""
        replicated = pm.sample_posterior_predictive(
            xr.DataTree.from_dict({"posterior": parameters}),
            model=self.pymc,
            var_names=[str(v.name) for v in self.pymc.observed_RVs],
            freeze_vars=[str(v.name) for v in self.pymc.free_RVs if str(v.name) in parameters],
            random_seed=seed,
            progressbar=False,
            compile_kwargs=_ONCE,
        )
        return cast(Any, replicated)["posterior_predictive"].to_dataset()

    def density(self) -> Density:
        """The density, compiled to JAX; the variables are the free ones and the deterministics."""
        from pymc.sampling.jax import get_jaxified_graph

        model = self.pymc
        start = model.initial_point()
        values = [np.asarray(start[str(v.name)], float) for v in model.value_vars]
        centre, unravel = ravel_pytree([jnp.asarray(v) for v in values])
        wanted: Any = [*model.free_RVs, *model.deterministics]
        log_density: Any = get_jaxified_graph(inputs=model.value_vars, outputs=[cast(Any, model.logp())])
        outputs = cast(Any, model.replace_rvs_by_values(wanted))
        expand: Any = get_jaxified_graph(inputs=model.value_vars, outputs=outputs)
        names, dims = [str(v.name) for v in wanted], self.dims
        return Density(
            log_density=lambda x: log_density(*unravel(x))[0],
            centre=np.asarray(centre),
            variables=lambda x: dict(zip(names, expand(*unravel(x)), strict=True)),
            dims={n: dims.get(n) or tuple(f"{n}_dim_{i}" for i in range(model[n].ndim)) for n in names},
            coords=self.coords,
        )

    def log_terms(self, names: Sequence[str]) -> LogTerms:
        """Log density of each of these variables given the others, priors as stated, without Jacobians."""
        from pymc.model.transform.conditioning import remove_value_transforms
        from pymc.sampling.jax import get_jaxified_graph
        from pytensor.graph.replace import clone_replace

        plain = remove_value_transforms(self.pymc)
        data = {name: values for name, values in self.observed.items() if name in names and values.dtype.kind == "f"}
        held: dict[str, Any] = {name: plain.rvs_to_values[cast(Any, plain[name])] for name in data}
        seen = {value: value.type(name) for name, value in held.items()}
        outputs: Any = plain.logp(vars=[cast(Any, plain[name]) for name in names], sum=False, jacobian=False)
        graph: Any = get_jaxified_graph(
            inputs=[*plain.value_vars, *seen.values()], outputs=clone_replace(outputs, replace=seen)
        )
        inputs = [str(plain.values_to_rvs[v].name) for v in plain.value_vars]
        kinds = {str(plain.values_to_rvs[v].name): v.type.dtype for v in plain.value_vars}

        def terms(values: dict[str, Any]) -> dict[str, Any]:
            free = (values[name].astype(kinds[name]) for name in inputs)
            return dict(
                zip(names, graph(*free, *(values.get(n, jnp.asarray(y)) for n, y in data.items())), strict=True)
            )

        return terms
