"""How this process uses JAX: 64-bit numbers, and compiled programs kept between processes.

Programs lie in the user's cache folder, in one folder for each version of JAX and kind of processor: what another
version or machine compiled is never loaded. ``REESTIM_CACHE_DIR`` names another place. Where nothing can be written, a
temporary folder serves for this process, and a warning of the log says so once.
"""

from __future__ import annotations

import atexit
import hashlib
import logging
import os
import platform
import shutil
import tempfile
from pathlib import Path

import jax
import platformdirs

#: Programs that compile faster than this many seconds are not kept: reading them takes as long.
SHORTEST_COMPILATION = 0.1
#: Largest size of the folder in bytes; the programs that were not used for longest go first.
LARGEST = 2 * 1024**3
ENVIRONMENT = "REESTIM_CACHE_DIR"

_log = logging.getLogger(__name__)


def configure() -> None:
    """Set JAX to 64 bits and give it the folder of compiled programs, unless the user has set one."""
    jax.config.update("jax_enable_x64", True)
    if jax.config.jax_compilation_cache_dir:  # the user's own choice stays
        return
    jax.config.update("jax_compilation_cache_dir", str(program_folder()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", SHORTEST_COMPILATION)
    jax.config.update("jax_compilation_cache_max_size", LARGEST)


def program_folder() -> Path:
    """The folder of compiled programs of this version of JAX and this kind of processor; it exists and can be written.

    Returns
    -------
    Path
        ``REESTIM_CACHE_DIR`` or ``<user's cache folder>/reestim``, and in it ``jax-<version>-<processor>``; a temporary
        folder, removed at the end of the process, where that cannot be written.
    """
    folder = cache_root() / f"jax-{jax.__version__}-{_processor()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        temporary = tempfile.mkdtemp(prefix="reestim-jax-")
        atexit.register(shutil.rmtree, temporary, ignore_errors=True)
        reason = error.strerror or type(error).__name__
        _log.warning(
            "the cache folder %s cannot be written (%s): every process compiles anew. %s names another place",
            folder,
            reason,
            ENVIRONMENT,
        )
        return Path(temporary)
    return folder


def cache_root() -> Path:
    """Where REEstim keeps what it can make again: ``REESTIM_CACHE_DIR``, or ``reestim`` in the user's cache folder."""
    if named := os.environ.get(ENVIRONMENT):
        return Path(named)
    return platformdirs.user_cache_path("reestim", appauthor=False)


def _processor() -> str:
    """A hash of what the processor can do: compiled programs use it."""
    features = [platform.machine(), platform.system(), platform.processor()]
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        features += sorted({line for line in lines if line.startswith(("flags", "Features", "model name"))})
    except OSError:  # not Linux: the name of the processor must do
        pass
    return hashlib.sha256("\n".join(features).encode()).hexdigest()[:12]
