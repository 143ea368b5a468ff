"""Where the studies, scenarios and the dataset that ship with REEstim lie: in a checkout beside the package, in an
installed package under ``share/`` (the build puts them there, see pyproject.toml)."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_INSTALLED = _PACKAGE / "share"

SHIPPED = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent
MODELS = SHIPPED / "models"
DATA = SHIPPED / "data"
#: The dataset that every study begins with.
BUNDLED = DATA / "rare-earths-2010"
