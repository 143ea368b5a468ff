"""One self-contained page: no script, no network, figures inside."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr
from jinja2 import Environment, PackageLoader, StrictUndefined

from reestim.errors import MAX_UNSOLVED
from reestim.reports.section import POSTERIOR, FigureBlock, Section
from reestim.reports.summary import INTERVALS, is_quick, sentences, warnings
from reestim.results.effects import described_scenarios
from reestim.results.format import joined, limit
from reestim.runs.record import RunRecord

if TYPE_CHECKING:
    from collections.abc import Mapping


_WORST_FIRST = ("fail", "informational", "pass")


def render(post: xr.DataTree, tables: Mapping[str, pd.DataFrame], sections: Sequence[Section]) -> str:
    """The page as text. Everything that comes from data is escaped."""
    env = Environment(
        loader=PackageLoader("reestim.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["inline"] = _inline
    record = RunRecord.of(post)
    run = record if record.packages else record.of_this_save(post)  # one that was not saved is of now
    return env.get_template("report.html.j2").render(
        title=title_of(post, run),
        subtitle=subtitle_of(post, run),
        quick=is_quick(post),
        warnings=warnings(post, tables),
        sentences=sentences(post, tables),
        intervals=INTERVALS,
        gates=_gates(tables["gates"]),
        solver=_solver(tables),
        checks=_checks(post),
        sections=[(section, synthetic_behind(post, section)) for section in sections],
        scenarios=_scenarios(post, run),
        inputs=tables["inputs"].to_dict("records"),
        run=run,
        spec=run.spec,
        provenance=run.provenance,
    )


def title_of(post: xr.DataTree, run: RunRecord) -> str:
    """What the page is about: its scenarios where equilibria were computed, else the study."""
    described = _described(post)
    words = [str(about.get("description") or name) for name, about in described.items()]
    if len(words) == 1:
        return words[0]
    return f"{len(words)} scenarios: {joined(list(described))}" if words else run.spec.name or "run"


def subtitle_of(post: xr.DataTree, run: RunRecord) -> str:
    """The study and the economy. What the study says of itself is left out where other scenarios were asked of it."""
    parts = [f"Study {run.spec.name}" if run.spec.name else "A model from Python"]
    if "economy" in post.children:
        about = post["economy"].attrs
        year = f", the world of {about['base_year']}" if "base_year" in about else ""
        parts.append(f"economy {about.get('name', 'from Python')}{year}")
    others = "reestim counterfactual" in (run.command or "")
    said = "" if others or not run.spec.description else f" {run.spec.description.rstrip('.')}."
    return f"{'; '.join(parts)}.{said}"


def _described(post: xr.DataTree) -> dict[str, Any]:
    """Scenarios of the page, by name."""
    return described_scenarios(post["counterfactual"].to_dataset()) if "counterfactual" in post.children else {}


def synthetic_behind(post: xr.DataTree, section: Section) -> list[str]:
    """The synthetic files of the dataset that a section rests on."""
    made = list(RunRecord.of(post).provenance.synthetic or ())
    return made if section.rests_on == POSTERIOR else [file for file in made if file in section.rests_on]


def _scenarios(post: xr.DataTree, run: RunRecord) -> dict[str, str]:
    """The files of the scenarios as they were read; of a run from Python what its policies are."""
    stored = run.scenarios or _described(post)
    return {
        name: text if isinstance(text, str) else json.dumps(text, indent=1, ensure_ascii=False)
        for name, text in stored.items()
    }


def _inline(figure: FigureBlock) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(figure.svg).decode()


def _gates(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "gate": row["gate"],
            "passed": row["passed"],
            "value": f"{row['value']:.4g}",
            "limit": limit(row["gate"], row["threshold"]),
            "where": row["where"],
        }
        for row in table.to_dict("records")
    ]


def _checks(post: xr.DataTree) -> list[dict[str, Any]]:
    """Cards of the other checks of `reestim check`, those that the gates and the solver do not show already, the worst
    first; a check lists its findings in this order too."""
    from reestim.checks.every import check_run

    return [
        {"name": check.name, "verdict": check.verdict, "sentences": check.sentences}
        for check in sorted(check_run(post), key=lambda check: _WORST_FIRST.index(check.verdict))
        if check.name not in ("sampler", "solver")
    ]


def _solver(tables: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    rows = tables["solver"].to_dict("records") if "solver" in tables else []
    return [dict(row) | {"passed": 1 - row["solved"] / row["draws"] <= MAX_UNSOLVED} for row in rows]
