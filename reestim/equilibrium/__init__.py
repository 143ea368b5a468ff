"""General equilibrium in exact changes: docs/model.md section 3."""

import reestim.technology  # noqa: F401  (switches JAX to float64 before the first array is made)
