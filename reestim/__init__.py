"""REEstim: structural estimation with Bayesian inference of what rare-earth restrictions do.

The public names are imported on first use, so that ``import reestim`` and ``reestim --help`` stay fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOME = {
    "load_dataset": "reestim.data.dataset",
    "check_dataset": "reestim.data.dataset",
    "ree_input_output": "reestim.supply_chain.ree_rows",
    "ree_table": "reestim.supply_chain.split_provenance",
    "split_identities": "reestim.supply_chain.split_checks",
    "exposure": "reestim.supply_chain.exposure",
    "element_similarity": "reestim.supply_chain.element_similarity",
    "growth_accounting": "reestim.evidence.productivity",
    "event_study": "reestim.evidence.event_paths",
    "read_patents": "reestim.labels.patents",
    "label_patents": "reestim.labels.labelling",
    "draw_audit": "reestim.labels.audit",
    "read_audit": "reestim.labels.audit",
    "read_spec": "reestim.study.spec",
    "read_scenario": "reestim.study.spec",
    "build": "reestim.estimate.fit",
    "fit": "reestim.estimate.fit",
    "prior_predictive": "reestim.estimate.predictive",
    "posterior_predictive": "reestim.estimate.predictive",
    "Economy": "reestim.equilibrium.economy",
    "Parameters": "reestim.equilibrium.parameters",
    "Scenario": "reestim.equilibrium.scenario",
    "Tariff": "reestim.equilibrium.policies",
    "ExportTax": "reestim.equilibrium.policies",
    "Subsidy": "reestim.equilibrium.policies",
    "ExportQuota": "reestim.equilibrium.policies",
    "Embargo": "reestim.equilibrium.policies",
    "SupplyShock": "reestim.equilibrium.policies",
    "Recycling": "reestim.equilibrium.policies",
    "Mine": "reestim.equilibrium.mines",
    "solve": "reestim.equilibrium.solve",
    "equilibrium_function": "reestim.equilibrium.function",
    "sensitivity": "reestim.equilibrium.sensitivity",
    "decompose": "reestim.equilibrium.decomposition",
    "counterfactual": "reestim.counterfactuals.counterfactual",
    "scenario_difference": "reestim.counterfactuals.difference",
    "welfare_variance": "reestim.counterfactuals.variance",
    "save": "reestim.runs.store",
    "load": "reestim.runs.store",
    "report": "reestim.reports.build",
    "compare": "reestim.reports.compare",
    "check_run": "reestim.checks.every",
    "refits": "reestim.pipeline.refits",
    "prior_sensitivity": "reestim.checks.prior_sensitivity",
}

__all__ = [  # noqa: PLE0604  # pyright: ignore[reportUnsupportedDunderAll]  (the names of _HOME, spelled once)
    "__version__",
    *_HOME,
]

if TYPE_CHECKING:
    from reestim.checks.every import check_run as check_run
    from reestim.checks.prior_sensitivity import prior_sensitivity as prior_sensitivity
    from reestim.counterfactuals.counterfactual import counterfactual as counterfactual
    from reestim.counterfactuals.difference import scenario_difference as scenario_difference
    from reestim.counterfactuals.variance import welfare_variance as welfare_variance
    from reestim.data.dataset import check_dataset as check_dataset
    from reestim.data.dataset import load_dataset as load_dataset
    from reestim.equilibrium.decomposition import decompose as decompose
    from reestim.equilibrium.economy import Economy as Economy
    from reestim.equilibrium.function import equilibrium_function as equilibrium_function
    from reestim.equilibrium.mines import Mine as Mine
    from reestim.equilibrium.parameters import Parameters as Parameters
    from reestim.equilibrium.policies import Embargo as Embargo
    from reestim.equilibrium.policies import ExportQuota as ExportQuota
    from reestim.equilibrium.policies import ExportTax as ExportTax
    from reestim.equilibrium.policies import Recycling as Recycling
    from reestim.equilibrium.policies import Subsidy as Subsidy
    from reestim.equilibrium.policies import SupplyShock as SupplyShock
    from reestim.equilibrium.policies import Tariff as Tariff
    from reestim.equilibrium.scenario import Scenario as Scenario
    from reestim.equilibrium.sensitivity import sensitivity as sensitivity
    from reestim.equilibrium.solve import solve as solve
    from reestim.estimate.fit import build as build
    from reestim.estimate.fit import fit as fit
    from reestim.estimate.predictive import posterior_predictive as posterior_predictive
    from reestim.estimate.predictive import prior_predictive as prior_predictive
    from reestim.evidence.event_paths import event_study as event_study
    from reestim.evidence.productivity import growth_accounting as growth_accounting
    from reestim.labels.audit import draw_audit as draw_audit
    from reestim.labels.audit import read_audit as read_audit
    from reestim.labels.labelling import label_patents as label_patents
    from reestim.labels.patents import read_patents as read_patents
    from reestim.pipeline.refits import refits as refits
    from reestim.reports.build import report as report
    from reestim.reports.compare import compare as compare
    from reestim.runs.store import load as load
    from reestim.runs.store import save as save
    from reestim.study.spec import read_scenario as read_scenario
    from reestim.study.spec import read_spec as read_spec
    from reestim.supply_chain.element_similarity import element_similarity as element_similarity
    from reestim.supply_chain.exposure import exposure as exposure
    from reestim.supply_chain.ree_rows import ree_input_output as ree_input_output
    from reestim.supply_chain.split_checks import split_identities as split_identities
    from reestim.supply_chain.split_provenance import ree_table as ree_table


def __getattr__(name: str) -> object:
    """Import a public name from its room on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'reestim' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
