"""Write requirements.lock (pins with hashes), and the same pins as constraints of uv at the end of pyproject.toml.

python .ci/pins.py            keep the versions in requirements.lock where pyproject.toml still allows them
python .ci/pins.py --upgrade  take the newest versions
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK, PROJECT = ROOT / "requirements.lock", ROOT / "pyproject.toml"
#: Begins the last part of pyproject.toml. `uv sync` and `uv run` read constraints there only, not in uv.toml.
HEADER = "# Generated from requirements.lock by .ci/pins.py: `uv run` and `uv sync` install these versions.\n"


def pins_of(lock: str) -> list[str]:
    """The requirement lines of a lock file, without hashes."""
    return [line.rstrip(" \\") for line in lock.splitlines() if re.match(r"[A-Za-z0-9].*==", line)]


def constraints(lock: str) -> str:
    """The last part of pyproject.toml."""
    quoted = (pin.replace('"', "'") for pin in pins_of(lock))
    body = "".join(f'    "{pin}",\n' for pin in quoted)
    return f"{HEADER}[tool.uv]\nconstraint-dependencies = [\n{body}]\n"


def main() -> None:
    """Resolve, then write both files."""
    uv = [shutil.which("uv") or sys.executable, *([] if shutil.which("uv") else ["-m", "uv"])]
    options = ["--all-extras", "--universal", "--python-version", "3.12", "--generate-hashes", "--quiet"]
    clean = ["--no-emit-index-url", "--no-header"]  # no index address in the file
    before = PROJECT.read_text(encoding="utf-8")
    unpinned = before.partition(HEADER)[0]
    after = before
    PROJECT.write_text(unpinned, encoding="utf-8")  # its pins would constrain the new resolution
    try:
        command = [*uv, "pip", "compile", "pyproject.toml", *options, *clean, *sys.argv[1:], "-o", LOCK.name]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        after = unpinned + constraints(LOCK.read_text(encoding="utf-8"))
    finally:
        PROJECT.write_text(after, encoding="utf-8")
    print(f"{LOCK.name} and {PROJECT.name} hold {len(pins_of(LOCK.read_text(encoding='utf-8')))} pins")


if __name__ == "__main__":
    main()
