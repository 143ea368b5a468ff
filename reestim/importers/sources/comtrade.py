"""UN Comtrade since 2023: annual trade in goods by HS code, as answers of the API (JSON) or bulk files (CSV).

Names of the columns are those of the API, in any case (``refYear, reporterCode, flowCode, partnerCode, cmdCode, netWgt,
primaryValue``); values are US$, masses kilograms. Countries stand as ISO codes or as numeric codes. Totals over
transport, customs procedure and second partner are read, what breaks them down is not.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from reestim.dims import COUNTRY, EXPORTER, IMPORTER, YEAR
from reestim.errors import InputError, Problem, Problems
from reestim.importers.countries import CUSTOMS_ALPHA3, FORMER, FORMER_CODES, alpha3_codes, alpha3_of_code
from reestim.importers.hs import RARE_EARTHS, HsTrade, hs_industries, trade_tables
from reestim.importers.imported import Imported, ImportOptions, file_date
from reestim.importers.regions import regions_of
from reestim.importers.stream import DAMAGED, header, listed, numbers, pieces
from reestim.wording import closest

EDITION = "UN Comtrade since 2023 (API v1 or bulk file): annual trade in goods, classification HS"
_NEEDED = ("refYear", "reporterCode", "flowCode", "partnerCode", "cmdCode", "netWgt", "primaryValue")
OPTIONAL = (
    "typeCode",
    "freqCode",
    "reporterISO",
    "partnerISO",
    "partner2Code",
    "customsCode",
    "mosCode",
    "motCode",
    "classificationCode",
)
#: What a total over a breakdown is written as.
TOTALS = {"partner2Code": ("", "0"), "customsCode": ("", "C00"), "mosCode": ("", "0"), "motCode": ("", "0")}
#: Answers of this length are cut off: 500 without a key, 100,000 with a free one, 250,000 with a paid one.
LIMITS = (500, 100_000, 250_000)
_BEFORE = {"trade value (us$)", "trade flow", "commodity code", "tradevalue in 1000 usd", "productcode"}
_KEY = ["reporter", "partner", YEAR, "hs"]


def read(files: Sequence[Path], choices: ImportOptions, work: Path) -> Imported:
    """Exports by country and industry, trade in rare earths, and of one year all trade (``hs.trade_tables``).

    Imports (flow M) are read, or with ``flow`` X what exporters report. Raises InputError listing other editions, cut
    answers, other classifications, months, services, mixed levels of codes, repeated rows, figures that are none,
    magnitudes that are not plausible, years that are missing, and codes that would be lost.
    """
    del work
    problems, parts, words, left = Problems(), [], {}, dict[str, float]()
    for path in files:
        with problems.collect():
            for piece in _pieces(path):
                rows, own_problems = _flows(piece, path.name, choices.flow or "M", words, left)
                problems += own_problems
                parts.append(rows)
    problems += flow_problems(choices)
    concordance = problems.attempt(lambda: hs_industries(choices.concordance))
    if problems or concordance is None:
        raise InputError(problems, "the files of Comtrade cannot be used")
    rows: Any = pd.concat(parts, ignore_index=True)
    problems = _row_problems(rows, files)
    if problems:
        raise InputError(problems, "the files of Comtrade cannot be used")
    trade = HsTrade(concordance, choices.hs or RARE_EARTHS)
    trade.add(rows[[YEAR, IMPORTER, EXPORTER, "hs", "value", "tonnes"]])
    problems += trade.problems((choices.concordance or Path("hs_industries.csv")).name)
    if problems:
        raise InputError(problems, "the files of Comtrade cannot be used")
    who = "exporters" if choices.flow == "X" else "importers"
    source_text = f"UN Comtrade, as {who} report, file of {file_date(files[0])}"
    imported, problems = trade_tables(trade, choices, source_text, EDITION, files[0].name, "comtrade")
    if problems:
        raise InputError(problems, "the files of Comtrade cannot be used")
    silent = _silent(rows, choices)
    tables, of_silent = _without_silent(imported.tables, silent, choices, sorted(set(rows["reporter"])))
    rules = [
        f"primaryValue: US$ / 1e6, as {who} report; netWgt: kilograms / 1e3; Other Asia (490, S19) is Taiwan",
        *imported.rules,
    ]
    left_out = [f"{what}: {n:,} rows" for what, n in words.items() if n]
    nowhere = [f"{who}: {value:,.4g} million US$" for who, value in sorted(left.items(), key=lambda item: -item[1])]
    left_out += [f"areas that are not a country of today, {text}" for text in nowhere] + of_silent
    return Imported(tables, EDITION, rules, [*left_out, *imported.left_out], imported.extra)


def _silent(rows: Any, choices: ImportOptions) -> list[tuple[str, int]]:
    """Reporters and years without a single row, though others have rows in the year: no report, or nothing to report,
    the files do not say which."""
    first, last = choices.years or (int(rows[YEAR].min()), int(rows[YEAR].max()))
    reporters = sorted({*rows["reporter"], *choices.reporters})
    there = set(zip(rows["reporter"], rows[YEAR], strict=True))
    return [(r, year) for r in reporters for year in range(first, last + 1) if (r, year) not in there]


def _without_silent(
    tables: Any, silent: Sequence[tuple[str, int]], choices: ImportOptions, reporters: Sequence[str]
) -> tuple[dict[str, Any], list[str]]:
    """The tables without the years of a region of which only a part has rows, and what is left out in words."""
    region = regions_of(choices.mapping, sorted({*reporters, *(who for who, _ in silent)}))
    side = "exports" if choices.flow == "X" else "imports"
    words, lost = [], set()
    for who in sorted({who for who, _ in silent}):
        years = ", ".join(str(year) for other, year in silent if other == who)
        others = "importers" if choices.flow == "X" else "exporters"
        words.append(f"{who} has no rows in {years}: not counted as zero; totals of {others} lack it in these years")
        if sum(region[reporter] == region[who] for reporter in {*reporters, who}) > 1:
            lost |= {(region[who], year) for other, year in silent if other == who}
            words.append(f"{side} of {region[who]} in {years}, of which {who} is a part")
    complete = {}
    for stem, table in tables.items():
        of_reporters = stem == "ree_use_panel" if side == "imports" else stem in ("outcomes", "element_exports")
        if lost and of_reporters:
            cell = pd.Series(list(zip(table[COUNTRY], table[YEAR], strict=True)), index=table.index)
            complete[stem] = table[~cell.isin(lost)]
        else:
            complete[stem] = table
    return complete, words


def flow_problems(choices: ImportOptions) -> list[Problem]:
    """A flow that is neither imports nor exports."""
    if choices.flow in (None, "M", "X"):
        return []
    advice = "Say M (as importers report, the default) or X (as exporters do)"
    return [Problem("this flow is not read", advice, column="--flow", value=choices.flow)]


def _pieces(path: Path) -> Iterator[Any]:
    """Text cells under the names of the API; columns that the file lacks are blank."""
    if path.name.lower().endswith((".json", ".json.gz")):
        yield _answer(path)
        return
    separator = "\t" if any("\t" in name for name in header(path, path.name)) else ","
    there = header(path, path.name, separator)
    names = {name.lower(): name for name in there}
    _need(list(names), path.name)
    columns = [names[name.lower()] for name in (*_NEEDED, *OPTIONAL) if name.lower() in names]
    for piece in pieces(path, path.name, columns, separator):
        by_name = {column.lower(): piece[column] for column in columns}
        blank = pd.Series("", index=piece.index)
        yield pd.DataFrame({name: by_name.get(name.lower(), blank) for name in (*_NEEDED, *OPTIONAL)})


def _need(lower: Sequence[str], name: str) -> None:
    missing = [column for column in _NEEDED if column.lower() not in lower]
    if not missing:
        return
    if _BEFORE & set(lower):
        problem = Problem("this is Comtrade as it was before 2023, or WITS", f"Expected: {EDITION}", file=name)
        raise InputError(problem, "the file cannot be used")
    problems = [
        Problem("the column is missing", f"{closest(column, lower)} Expected: {EDITION}", file=name, column=column)
        for column in missing
    ]
    raise InputError(problems, "the file cannot be used")


def _answer(path: Path) -> Any:
    """The rows of an answer of the API. Raises InputError for one that is broken, an error, or cut off."""
    try:
        raw = path.read_bytes()
        answer = json.loads(gzip.decompress(raw) if path.suffix.lower() == ".gz" else raw)
        rows = answer["data"]
        table = pd.DataFrame([{name: row.get(name) for name in (*_NEEDED, *OPTIONAL)} for row in rows])
    except (*DAMAGED, KeyError, TypeError, AttributeError):
        problem = Problem("this is not an answer of the API", f"Expected: {EDITION}", file=path.name)
        raise InputError(problem, "the file cannot be used") from None
    problems = []
    if answer.get("error"):
        words = str(answer["error"])[:120]
        problems.append(Problem(f"the API answered with an error ({words})", "Ask again", file=path.name))
    count = answer.get("count", len(rows))
    if len(rows) in LIMITS or count != len(rows):
        advice = "Ask for fewer reporters, years or codes at a time"
        problems.append(Problem(f"the answer is cut off at {len(rows):,} rows", advice, file=path.name))
    lacking = [name for name in _NEEDED if rows and not any(name in row for row in rows)]
    problems += [Problem("the field is missing", f"Expected: {EDITION}", file=path.name, column=n) for n in lacking]
    if problems:
        raise InputError(problems, "the file cannot be used")
    cells = table.astype(object).where(table.notna(), "").map(_plain)
    cells.index = pd.RangeIndex(1, len(cells) + 1)
    return cells.reindex(columns=[*_NEEDED, *OPTIONAL], fill_value="")


def _plain(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _flows(
    cells: Any, name: str, flow: str, words: dict[str, int], left: dict[str, float]
) -> tuple[Any, list[Problem]]:
    """One piece as flows; ``words`` counts rows that are left out, ``left`` million US$ of areas that are none."""
    problems = []
    for column, right, message in (
        ("typeCode", ("", "C"), "these are not goods"),
        ("freqCode", ("", "A"), "these are not years"),
    ):
        problems += listed(~cells[column].isin(right), cells[column], message, f"Expected: {EDITION}", name)
    kind = cells["classificationCode"]
    problems += listed(~kind.str.fullmatch(r"|HS|H\d"), kind, "not the HS", f"Expected: {EDITION}", name)
    wanted = pd.Series(True, index=cells.index)
    for what, mask in (
        ("other flows (re-exports, re-imports, the other side's report)", cells["flowCode"] != flow),
        ("totals over partners", cells["partnerCode"].isin(["0"]) | cells["partnerISO"].isin(["W00", "WLD"])),
        ("totals over goods", cells["cmdCode"].str.upper() == "TOTAL"),
        *((f"breakdowns by {c.removesuffix('Code')}", ~cells[c].isin(list(total))) for c, total in TOTALS.items()),
    ):
        words[what] = words.get(what, 0) + int((mask & wanted).sum())
        wanted &= ~mask
    cells = cells[wanted]
    reporter, partner = (_countries(cells, side) for side in ("reporter", "partner"))
    former = _former(cells, "reporter")
    unknown = (reporter == "") & (former == "")
    problems += listed(unknown, cells["reporterCode"], "unknown reporter", "Use ISO or Comtrade codes", name)
    nowhere = (partner == "") | (reporter == "")
    words["areas that are not a country"] = words.get("areas that are not a country", 0) + int(nowhere.sum())
    code = cells["cmdCode"]
    advice = "Ask for codes of 2, 4 or 6 digits"
    problems += listed(~code.str.fullmatch(r"\d{2}|\d{4}|\d{6}"), code, "not an HS code", advice, name)
    year, value = cells["refYear"], None
    problems += listed(~year.str.fullmatch(r"(?:19|20)\d\d"), year, "not a year", f"Expected: {EDITION}", name)
    value, wrong = numbers(cells["primaryValue"], name)
    mass, odd = numbers(cells["netWgt"], name, may_be_empty=True)
    problems += [*wrong, *odd]
    if problems:
        return pd.DataFrame(), problems
    area = former.where(former != "", _former(cells, "partner"))
    area = area.where(area != "", cells["partnerISO"].where(cells["partnerISO"] != "", cells["partnerCode"]))
    for who, amount in (value[nowhere] / 1e6).groupby(area[nowhere]).sum().items():
        left[str(who)] = left.get(str(who), 0.0) + float(amount)
    importer, exporter = (partner, reporter) if flow == "X" else (reporter, partner)
    rows = pd.DataFrame(
        {
            "reporter": reporter,
            "partner": partner,
            YEAR: year.astype(int),
            IMPORTER: importer,
            EXPORTER: exporter,
            "hs": code,
            "value": value / 1e6,
            "tonnes": mass / 1e3,
            "line": cells.index,
        }
    )
    return rows[~nowhere], []


def _countries(cells: Any, side: str) -> Any:
    """Alpha-3 codes by ISO code, else by number; blank for areas that are not a country."""
    iso = cells[f"{side}ISO"].replace(CUSTOMS_ALPHA3)
    number = cells[f"{side}Code"].str.lstrip("0").map(alpha3_of_code()).fillna("")
    return iso.where(iso.isin(list(alpha3_codes())), number)


def _former(cells: Any, side: str) -> Any:
    """Names of states that are no more, and of customs unions; blank for all else."""
    code = cells[f"{side}ISO"].where(cells[f"{side}ISO"].isin(list(FORMER)), "")
    code = code.where(code != "", cells[f"{side}Code"].str.lstrip("0").map(FORMER_CODES).fillna(""))
    return code.map(lambda iso: f"{FORMER[iso]} ({iso})" if iso else "")


def _row_problems(rows: Any, files: Sequence[Path]) -> list[Problem]:
    if rows.empty:
        advice = "Ask for flows with partners (all of them), not for totals; or say --flow X"
        return [Problem("there is no trade between countries in the files", advice, file=files[0].name)]
    problems = []
    again = rows[rows.duplicated(_KEY)]
    if len(again):
        value = ", ".join(str(cell) for cell in again.iloc[0][_KEY])
        advice = "Give every answer once, of one classification"
        problems.append(Problem(f"{len(again)} flows are repeated", advice, file=files[-1].name, value=value))
    codes = set(rows["hs"])
    inside = sorted(code for code in codes if any(code[:n] in codes for n in range(2, len(code), 2)))
    if inside:
        advice = "Keep codes of one length, otherwise goods are counted twice"
        value = ", ".join(inside[:5])
        problems.append(Problem("levels of the HS are mixed", advice, file=files[0].name, value=value))
    return problems
