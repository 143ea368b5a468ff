"""How this process uses JAX: 64-bit numbers, no copy of a process that has used it, compiled programs kept.

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
import numpy as np
import platformdirs

from reestim.errors import InputError, Problem

#: Programs that compile faster than this many seconds are not kept: reading them takes as long.
SHORTEST_COMPILATION = 0.1
#: Largest size of the folder in bytes; the programs that were not used for longest go first.
LARGEST_CACHE = 2 * 1024**3
ENVIRONMENT = "REESTIM_CACHE_DIR"

_log = logging.getLogger(__name__)
#: What this process did with JAX: ``configured`` it, ``used`` it, or is the ``copy`` (by fork) of one that had.
_process = {"configured": False, "used": False, "copy": False}


def configure() -> None:
    """Set JAX to 64 bits and give it the folder of compiled programs, unless the user has set one."""
    _process["configured"] = True
    jax.config.update("jax_enable_x64", True)
    if jax.config.jax_compilation_cache_dir:  # the user's own choice stays
        return
    jax.config.update("jax_compilation_cache_dir", str(program_folder()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", SHORTEST_COMPILATION)
    jax.config.update("jax_compilation_cache_max_size", LARGEST_CACHE)


def require_jax() -> None:
    """Ask that JAX can be used here as REEstim uses it. Every computation asks before it begins.

    Raises
    ------
    InputError
        Where other code has set JAX back to 32 bits, or the process was forked from one that had used JAX: threads and
        locks of JAX are lost in the copy, which would wait for ever.
    """
    if _process["copy"]:
        advice = 'Start processes with multiprocessing.get_context("spawn"), or use JAX only in the new processes'
        message = "this process was made by fork from one that had used JAX, and JAX cannot work in it"
        raise InputError(Problem(message, advice), "nothing can be computed in this process")
    if not _process["configured"]:
        configure()
    if jax.dtypes.canonicalize_dtype(np.float64) != np.float64:
        advice = 'Call jax.config.update("jax_enable_x64", True), or compute inside `with jax.enable_x64(True):`'
        message = "JAX was set to 32 bits after REEstim was imported (jax_enable_x64 is off)"
        raise InputError(Problem(message, advice), "REEstim computes in 64 bits")
    _process["used"] = True


def _after_fork() -> None:
    _process["copy"] = _process["used"] or _process["copy"]


if hasattr(os, "register_at_fork"):  # not on Windows, which knows no fork
    os.register_at_fork(after_in_child=_after_fork)


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
