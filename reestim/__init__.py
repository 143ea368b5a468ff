"""REEstim: structural estimation with Bayesian inference of what rare-earth restrictions do.

The public names are listed in ``__init__.pyi`` and imported on first use (SPEC 1), so that ``import reestim`` and
``reestim --help`` stay fast.
"""

from __future__ import annotations

import lazy_loader

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]
