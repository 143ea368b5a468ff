"""Known vulnerabilities of the pinned packages: pip-audit on requirements.lock, against the OSV service.

    python .ci/audit.py                      https://api.osv.dev
    python .ci/audit.py --url ADDRESS        a mirror of it: POST {"package": ..., "version": ...}
    python .ci/audit.py --ignore GHSA-...    one that was looked at and does not concern us; say why in CONTRIBUTING.md

Exit codes: 0 nothing known, 1 vulnerable packages (listed, with the version that mends each), 2 the audit was not made.
Needs the network; it is a command of its own and no part of `.ci/run`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
#: pip-audit runs in an environment of its own, so that what is audited is the lock and nothing else.
AUDITOR = "pip-audit==2.10.1"


def audit(lock: Path, url: str | None, ignored: list[str]) -> tuple[int, dict[str, Any] | None, str]:
    """Exit code of pip-audit, its report (None where there is none), and what it said."""
    uv = [shutil.which("uv") or sys.executable, *([] if shutil.which("uv") else ["-m", "uv"])]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "report.json"
        command = [
            *uv,
            "tool",
            "run",
            AUDITOR,
            "--requirement",
            str(lock),
            "--require-hashes",
            "--disable-pip",
            "--vulnerability-service",
            "osv",
            "--format",
            "json",
            "--output",
            str(out),
            "--progress-spinner",
            "off",
            *(["--osv-url", url] if url else []),
            *(part for name in ignored for part in ("--ignore-vuln", name)),
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        report = json.loads(out.read_text(encoding="utf-8")) if out.exists() and out.stat().st_size else None
    return done.returncode, report, done.stderr.strip()


def vulnerable(report: dict[str, Any]) -> list[str]:
    """One line for each known vulnerability."""
    return [
        f"{package['name']} {package['version']}: {found['id']}"
        f"{' (' + ', '.join(found['aliases']) + ')' if found.get('aliases') else ''}, "
        f"mended in {', '.join(found['fix_versions']) or 'no version yet'}"
        for package in report["dependencies"]
        for found in package.get("vulns", [])
    ]


def main() -> int:
    """Print what is known; 0, 1 or 2."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url")
    parser.add_argument("--ignore", action="append", default=[], metavar="ID")
    parser.add_argument("--lock", type=Path, default=LOCK)
    asked = parser.parse_args()
    code, report, said = audit(asked.lock, asked.url, asked.ignore)
    if report is None or code not in (0, 1):
        last = said.splitlines()[-1] if said else "it said nothing"
        print(f"the audit was not made (pip-audit left with {code}): {last}", file=sys.stderr)
        return 2
    skipped = [f"{d['name']}: {d['skip_reason']}" for d in report["dependencies"] if "skip_reason" in d]
    if skipped:
        print("not known to the service:", *skipped, sep="\n  ", file=sys.stderr)
        return 2
    lines = vulnerable(report)
    print("\n".join(lines) or f"{len(report['dependencies'])} packages, no known vulnerability")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
