"""Compiled programs are kept between processes, in a place that can be written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CODE = """
import logging, sys
logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
import reestim.technology
import jax, jax.numpy as jnp
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
print(jax.jit(lambda x: jnp.linalg.inv(x + jnp.eye(3)).sum())(jnp.ones((3, 3))), jax.config.jax_compilation_cache_dir)
"""


def run(cache: Path) -> tuple[str, str]:
    where = os.environ | {"REESTIM_CACHE_DIR": str(cache)}
    done = subprocess.run([sys.executable, "-c", CODE], check=True, capture_output=True, text=True, env=where)
    return done.stdout, done.stderr


def test_the_second_process_reads_what_the_first_compiled(tmp_path: Path) -> None:
    first, said = run(tmp_path)
    programs = {p.name for p in tmp_path.rglob("*-cache")}
    assert programs
    assert "cannot be written" not in said
    assert run(tmp_path)[0] == first
    assert {p.name for p in tmp_path.rglob("*-cache")} == programs


def test_a_place_that_cannot_be_written_is_said_once_and_harms_nothing(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder", encoding="utf-8")
    out, said = run(blocked)
    assert said.count("cannot be written") == 1
    assert not Path(out.split()[1]).exists()  # the temporary folder went with the process
