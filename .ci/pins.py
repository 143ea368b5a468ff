"""Write requirements.lock (pins with hashes) and uv.toml (the same pins, so that plain `uv run` keeps to them).

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
LOCK, PINS = ROOT / "requirements.lock", ROOT / "uv.toml"
HEADER = "# Generated from requirements.lock by .ci/pins.py: makes its pins effective in `uv run`.\n"


def pins_of(lock: str) -> list[str]:
    """The requirement lines of a lock file, without hashes."""
    return [line.rstrip(" \\") for line in lock.splitlines() if re.match(r"[A-Za-z0-9].*==", line)]


def constraints(lock: str) -> str:
    """The text of uv.toml."""
    quoted = (pin.replace('"', "'") for pin in pins_of(lock))
    body = "".join(f'    "{pin}",\n' for pin in quoted)
    return f"{HEADER}constraint-dependencies = [\n{body}]\n"


def main() -> None:
    """Resolve, then write both files."""
    uv = [shutil.which("uv") or sys.executable, *([] if shutil.which("uv") else ["-m", "uv"])]
    options = ["--all-extras", "--universal", "--python-version", "3.12", "--generate-hashes", "--quiet"]
    clean = ["--no-emit-index-url", "--no-header"]  # no index address in the file
    old = PINS.read_text(encoding="utf-8") if PINS.exists() else None
    PINS.unlink(missing_ok=True)  # or its pins would constrain the new resolution
    try:
        command = [*uv, "pip", "compile", "pyproject.toml", *options, *clean, *sys.argv[1:], "-o", LOCK.name]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        old = constraints(LOCK.read_text(encoding="utf-8"))
    finally:
        if old is not None:
            PINS.write_text(old, encoding="utf-8")
    print(f"{LOCK.name} and {PINS.name} hold {len(pins_of(LOCK.read_text(encoding='utf-8')))} pins")


if __name__ == "__main__":
    main()
