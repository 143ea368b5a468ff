"""``one_page``: a run on one sheet of A4, for who has to decide and reads no more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import xarray as xr
from jinja2 import Environment, PackageLoader, StrictUndefined

from reestim.dims import SCENARIO, TECHNOLOGY
from reestim.errors import InputError, Problem
from reestim.io.files import atomic_folder
from reestim.io.places import is_free
from reestim.reports import sheet as sheets
from reestim.reports.one_page_tables import ADDED_BY, answer, claims, policies
from reestim.reports.prior_dependence import prior_dependence
from reestim.reports.section import Heading, Notes
from reestim.reports.sections import priors, sampler, solver, uncertainty
from reestim.reports.summary import is_quick, warnings
from reestim.results import tables as results
from reestim.results.caveats import caveats
from reestim.results.effects import BRACKETS, DIRECTED, FIXED, described_scenarios, economy_of, money_unit, restrictors
from reestim.results.findings import NO_FINDING
from reestim.results.format import joined
from reestim.results.names import at_the_start, country_name
from reestim.results.world import equivalent_variations
from reestim.runs.record import RunRecord
from reestim.wording import closest

PAGE, PDF = "one-page.html", "one-page.pdf"
#: Countries shown where none is named, and policies beside one another.
_MOST_COUNTRIES, _MOST_SCENARIOS = 12, 3
#: Files of a kind that are named.
_MOST_FILES = 4
_HORIZONS = {
    "months": "within months: mines and plants as they are",
    "year": "within a year",
    "long": "in the long run, with new mines",
}


def one_page(
    post: xr.DataTree,
    out_dir: str | Path,
    scenarios: Sequence[str] | None = None,
    countries: Sequence[str] | None = None,
) -> Path:
    """Write a run on one sheet of A4, as HTML and as PDF, and return the path of the HTML page.

    The question, the answer by country in money with intervals and horizon, what it rests on, and up to three policies
    beside one another. Where a gate failed no number is stated.

    Parameters
    ----------
    post
        A run with the groups ``posterior``, ``counterfactual`` and ``economy``.
    out_dir
        A folder: new, empty, or with such a page, which is replaced. It gets ``one-page.html`` (self-contained) and
        ``one-page.pdf``.
    scenarios
        One to three scenarios of the run; the first is the question. Default: its first three.
    countries
        Countries of the tables. Default: all, or where there are more the twelve whose income changes most.

    Returns
    -------
    Path
        The page, ``one-page.html``.

    Raises
    ------
    InputError
        If the run has no counterfactual, a scenario or country is not in it, the text does not fit on one page, or
        ``out_dir`` holds something else.

    Examples
    --------
    >>> ree.one_page(post, folder / "one-page", countries=["c1"]).name
    'one-page.html'
    """
    out = Path(out_dir)
    if not ((out / PAGE).is_file() or is_free(out)):
        advice = "Only such pages and empty folders are replaced. Choose another folder."
        raise InputError(Problem("this is not a page of a run", advice, value=str(out)), "no page can be made")
    sheet = sheet_of(post, scenarios, countries)
    scale = sheets.fitting_scale(sheet)
    with atomic_folder(out) as folder:
        (folder / PAGE).write_text(_html(sheet, scale), encoding="utf-8")
        (folder / PDF).write_bytes(sheets.pdf(sheet, scale))
    return out / PAGE


def sheet_of(
    post: xr.DataTree, scenarios: Sequence[str] | None = None, countries: Sequence[str] | None = None
) -> sheets.Sheet:
    """What stands on the page of a run; arguments and errors as for `one_page`."""
    names, shown = _asked(post, scenarios, countries)
    ds, economy = post["counterfactual"].to_dataset(), economy_of(post)
    tables, record = _tables(post), RunRecord.of(post)
    about = described_scenarios(ds)
    question = names[0]
    title = str(about.get(question, {}).get("description") or question)
    supplier = joined([country_name(c) for c in restrictors(ds, question, economy)])
    year = economy.ds.attrs.get("base_year")
    subtitle = (
        f"The question: {at_the_start(title)}: what does it do to real incomes? Who restricts: {supplier}. Horizon: "
        f"{_horizon(about, question)}. The economy: {economy.ds.attrs.get('name', 'from Python')}"
        f"{f', base year {year}' if year is not None else ''}."
    )
    said = [sentence for _, sentence in warnings(post, tables)]
    blocks: list[sheets.Block] = []
    if record.gates_passed():
        unit = money_unit(economy)
        blocks += [
            Heading("The answer"),
            answer(post, question, shown, f"Change of real income, {unit} a year. {BRACKETS}"),
            *claims(post, question),
            Heading("Policies beside one another"),
            _compared(post, names, shown, about),
        ]
    else:
        blocks.append(Notes([NO_FINDING]))
    blocks += [Heading("What this rests on, and what it leaves out"), Notes(_rests_on(post, tables, names))]
    run = record if record.packages else record.of_this_save(post)
    footer = f"Made by REEstim {run.reestim} from draws with seed {run.seed}; `reestim report RUN` has everything else."
    return sheets.Sheet(("QUICK smoke run: " if is_quick(post) else "") + title, subtitle, said, blocks, footer)


def _compared(post: xr.DataTree, names: Sequence[str], shown: Sequence[str], about: dict[str, object]) -> sheets.Block:
    """The policies, or how to add some."""
    if len(names) == 1:
        return Notes([ADDED_BY])
    letters = [f"{letter}: {name} ({_horizon(about, name)})" for letter, name in zip("ABC", names, strict=False)]
    return policies(post, names, shown, "; ".join(letters) + ".")


def _horizon(about: dict[str, object], name: str) -> str:
    scenario = about.get(name)
    horizon = str(scenario.get("horizon") or "year") if isinstance(scenario, dict) else "year"
    return _HORIZONS[horizon]


def _tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """The tables of the report that the page's sentences are made of."""
    of_sections = [priors.tables(post), uncertainty.tables(post), sampler.tables(post), solver.tables(post)]
    return {"inputs": results.inputs(post)} | {name: t for tables in of_sections for name, t in tables.items()}


def _rests_on(post: xr.DataTree, tables: dict[str, pd.DataFrame], names: Sequence[str]) -> list[str]:
    """Data, priors and failed checks; what the scenarios get for nothing."""
    from reestim.checks.every import check_run

    ds, economy, record = post["counterfactual"].to_dataset(), economy_of(post), RunRecord.of(post)
    kinds: dict[str, list[str]] = {}
    for row in tables["inputs"].to_dict("records"):
        kinds.setdefault(str(row["kind"]), []).append(str(row["file"]))
    made = "; ".join(f"{kind}: {_files(files)}" for kind, files in kinds.items())
    study = f"study {record.spec.name}" if record.spec.name else "a model from Python"
    lines = [
        f"Evidence: {study} on the dataset {record.provenance.dataset or 'not named'}. "
        + (f"Not simply read in a source: {made}." if made else "All of its figures were read in their sources.")
    ]
    if record.gates_passed():
        abroad = [c for c in economy.countries if c not in restrictors(ds, names[0], economy)]
        for technology in (t for t in (FIXED, DIRECTED) if t in ds[TECHNOLOGY].values):
            lines += prior_dependence(tables, names[0], abroad, technology)
    failed = [check.name for check in check_run(post) if check.verdict == "fail"]
    lines.append(f"Checks that failed: {', '.join(failed) or 'none'}.")
    described = described_scenarios(ds)
    lines += dict.fromkeys(text for name in names for text in caveats(described.get(name, {}), economy))
    return lines


def _files(names: list[str]) -> str:
    """Names of files, or how many they are; warnings name every one that is synthetic."""
    return joined(names) if len(names) <= _MOST_FILES else f"{len(names)} files (the report names them)"


def _asked(
    post: xr.DataTree, scenarios: Sequence[str] | None, countries: Sequence[str] | None
) -> tuple[list[str], list[str]]:
    """The scenarios and countries of the page; raises InputError with all that is wrong with them."""
    advice = "Give a run of `reestim run`, or carry its draws on with `reestim counterfactual`."
    missing = [name for name in ("posterior", "counterfactual", "economy") if name not in post.children]
    if missing:
        raise InputError([Problem(f"the run has no group {name!r}", advice) for name in missing], "no page can be made")
    ds, economy = post["counterfactual"].to_dataset(), economy_of(post)
    there = [str(name) for name in ds[SCENARIO].values]
    names, shown = list(scenarios or there[:_MOST_SCENARIOS]), list(countries or economy.countries)
    problems = [
        Problem(f"this {what} is not in the run", closest(name, known), column=what, value=name)
        for what, asked, known in (("scenario", names, there), ("country", shown, list(economy.countries)))
        for name in asked
        if name not in known
    ]
    problems += [
        Problem(f"a {what} is named twice", "Name each once.", column=what)
        for what, asked in (("scenario", names), ("country", shown))
        if len(set(asked)) < len(asked)
    ]
    if len(names) > _MOST_SCENARIOS:
        problems.append(Problem("a page compares three policies at most", "Name fewer.", column="scenario"))
    if problems:
        raise InputError(problems, "no page can be made")
    if countries is None and len(shown) > _MOST_COUNTRIES:
        change = abs(equivalent_variations(ds, names[0], economy)).median(("chain", "draw")).max("technology")
        largest = set(change.to_series().nlargest(_MOST_COUNTRIES).index)
        shown = [c for c in shown if c in largest]
    return names, shown


def _html(sheet: sheets.Sheet, scale: float) -> str:
    env = Environment(
        loader=PackageLoader("reestim.reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    size = f"{sheets.BODY * scale:.2f}"
    return env.get_template("one_page.html.j2").render(sheet=sheet, size=size, leading=sheets.LEADING)
