"""Where the studies, scenarios and the dataset that ship with REEstim lie: in a checkout beside the package, in an
installed package under ``share/`` (the build puts them there, see pyproject.toml)."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_INSTALLED = _PACKAGE / "share"

SHIPPED = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent
MODELS = SHIPPED / "models"
DATA = SHIPPED / "data"
#: The dataset that every study begins with: published figures only.
REAL = DATA / "rare-earths-2010"
#: The same economy with magnets as a stage of its own, to which draws are carried.
REAL_MAGNETS = DATA / "rare-earths-2010-magnets"
#: The economy before the export controls of 2025, to which draws are carried; it has no evidence of its own.
TODAY = DATA / "rare-earths-2023"
#: The dataset of the tutorial, the tests and the calibration: patents, audit and outcomes are simulated.
SIMULATED = DATA / "simulated-2010"
#: The folder with the figures as typed, from which the importers make datasets: elements, prices, uses, policies.
FACTS = REAL


def bundled() -> list[Path]:
    """Folders of the datasets that ship with REEstim, in the order of their names."""
    return sorted(file.parent for file in DATA.glob("*/dataset.toml"))
