"""Programs are compiled once for a shape, not once for a scenario: what differs between scenarios is data."""

from __future__ import annotations

import reestim as ree
from reestim.equilibrium import sweep
from reestim.equilibrium.policy import Policy
from tests.economics.posteriors import posterior
from tests.oracles import random_economy


def test_a_further_scenario_of_the_same_shape_compiles_nothing() -> None:
    economy = random_economy(73, countries=3, goods=2, elements=1)
    post = posterior(economy, draws=4)

    def solve(*policies: Policy) -> int:
        """Programs that solving a scenario compiled."""
        before = sweep._solve_batch._cache_size()
        scenario = ree.Scenario(policies=policies)
        ree.counterfactual(economy, scenario, post, technology=["fixed", "directed"], progress=False)
        return sweep._solve_batch._cache_size() - before

    assert solve(ree.ExportQuota("c0", "e0", 0.9)) > 0
    assert solve(ree.ExportQuota("c0", "e0", 0.8), ree.Tariff(0.1, importer="c1", exporter="c0", sectors=["g0"])) == 0
    assert solve(ree.ExportQuota("c1", "e0", 0.95), ree.Recycling(0.1)) == 0
