"""From a run to something a person reads: tables (CSV), figures (PNG) and one HTML page.

The room has the name of its function: ``reestim.report(post, folder)`` works whichever of the two Python found first.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr


class _CallableRoom(ModuleType):
    def __call__(self, post: xr.DataTree, out_dir: str | Path) -> Path:
        """See :func:`reestim.report.build.report`."""
        from reestim.report.build import report

        return report(post, out_dir)


sys.modules[__name__].__class__ = _CallableRoom
