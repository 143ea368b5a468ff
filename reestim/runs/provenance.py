"""What made a run: the contents of ``run.json``, from the attributes that a DataTree carries."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any

from reestim.intervals import INTERVAL
from reestim.io.json_attrs import json_attr

if TYPE_CHECKING:
    import xarray as xr

#: Version of the layout of a run folder; raised when an older REEstim could no longer read it.
SCHEMA = 1

#: Parts of ``run.json`` that describe this save, not an earlier one.
_ALWAYS_NEW = {"schema", "reestim", "packages", "solved", "sha256"}

_PACKAGES = (
    "arviz",
    "h5netcdf",
    "jax",
    "jaxlib",
    "numpy",
    "numpyro",
    "nutpie",
    "pandas",
    "pyfixest",
    "pymc",
    "pytensor",
    "scipy",
    "xarray",
)


def describe(post: xr.DataTree) -> dict[str, Any]:
    """Everything known about a run from its DataTree: the contents of ``run.json``, plain JSON values."""
    known = json_attr(post.attrs, "run", {})
    run: dict[str, Any] = {
        "schema": SCHEMA,
        "reestim": _version("reestim"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": False,
        "interval": INTERVAL,
    }
    run |= {name: value for name, value in known.items() if name not in _ALWAYS_NEW}
    run |= {"spec": json_attr(post.attrs, "spec", {}), "provenance": provenance(post)}
    run["gates"] = json_attr(post.attrs, "gates", None)
    run.setdefault("seed", post.attrs.get("seed"))
    if "counterfactual" in post.children:
        solved = post["counterfactual"].to_dataset()["solved"]
        counts = solved.sum(("chain", "draw"))
        draws = int(solved.sizes["chain"] * solved.sizes["draw"])
        run["solved"] = [
            {
                "scenario": str(scenario),
                "technology": str(technology),
                "solved": int(counts.sel(scenario=scenario, technology=technology)),
                "draws": draws,
            }
            for scenario in solved["scenario"].values
            for technology in solved["technology"].values
        ]
        run["scenarios"] = run.get("scenarios") or json_attr(post["counterfactual"].attrs, "scenarios", {})
    return run | {"packages": versions()}


def provenance(post: xr.DataTree) -> dict[str, Any]:
    """Where the data came from: as the command line noted, else as the groups economy and constant_data say.

    Keys: dataset, hash, base_year, synthetic and imputed (lists of files), as far as known.
    """
    noted = json_attr(post.attrs, "provenance", {})
    if isinstance(noted, dict) and noted:
        return noted
    found: dict[str, Any] = {}
    if "economy" in post.children:
        attrs = post["economy"].attrs
        found |= {name: attrs[key] for name, key in (("dataset", "name"), ("base_year", "base_year")) if key in attrs}
        for name in ("synthetic", "imputed"):  # "simulated files: a.csv, b.csv"
            files = str(attrs.get(name, "")).partition(": ")[2]
            found[name] = [file.strip() for file in files.split(",") if file.strip()]
    if "constant_data" in post.children:
        attrs = post["constant_data"].attrs
        found |= {name: attrs[key] for name, key in (("dataset", "dataset"), ("hash", "dataset_hash")) if key in attrs}
    return found


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide the numbers."""
    return {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
