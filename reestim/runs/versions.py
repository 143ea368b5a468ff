"""Versions of the packages that decide the numbers of a run."""

from __future__ import annotations

import platform
from importlib import metadata

PACKAGES = (
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


def version(package: str) -> str:
    """Version of an installed package."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide the numbers."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
