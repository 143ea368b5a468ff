"""Trade by HS code to the tables of a dataset: industries by one concordance, elements by another; nothing gets lost.

``hs_industries.csv`` (hs, industry, weight, source, verified): a code belongs to its longest prefix there; the weights
of a prefix sum to 1. ``hs_elements.csv`` (hs, element, weight, oxide_per_tonne, source, verified): elements in
rare-earth goods, mass shares of the oxide, tonnes of oxide in a tonne of goods. A traded code that no
prefix fits would lose mass: an error that says how much.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from reestim.data.read import gaps
from reestim.dims import COUNTRY, EXPORTER, IMPORTER, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.importers.concordance import HERE
from reestim.importers.imported import Imported, ImportOptions, unit_value_problem
from reestim.importers.mapping import read_concordance
from reestim.importers.regions import INDUSTRIES, regions_of, sectors_of
from reestim.wording import closest

HS_INDUSTRIES, HS_ELEMENTS = HERE / "hs_industries.csv", HERE / "hs_elements.csv"
RARE_EARTHS = ("2846",)
#: US$/kg of rare-earth compounds in any year: 2.5 in the glut of 1999, 72 in 2011; single partners from 0.5 to 1,000.
USUAL_PRICE = (0.5, 1000.0)
#: World trade in goods, million US$: 24 million in 2022. More than this is another unit.
MOST_TRADE = 1e8
#: Of the 96 chapters of the HS so many stand in the trade of the world in any year; fewer are an extract.
_CHAPTERS = 90
_FLOW = [YEAR, IMPORTER, EXPORTER]


def hs_industries(path: Path | None) -> pd.DataFrame:
    """The concordance hs, industry, weight. Raises InputError listing everything wrong with it."""
    file = path or HS_INDUSTRIES
    table, problems = read_concordance(file, "hs", what="trade is")
    industries = set(pd.read_csv(INDUSTRIES)["industry"])
    for row, hs, industry in table[["hs", "industry"]].itertuples():
        place: Any = {"file": file.name, "row": int(row)}
        if not (hs.isdigit() and len(hs) in (2, 4, 6)):
            problems.append(Problem("not an HS code of 2, 4 or 6 digits", "Keep leading zeros", **place, value=hs))
        if path is None and industry not in industries:
            problems.append(Problem("unknown industry", closest(industry, industries), **place, value=industry))
    if problems:
        raise InputError(problems, "the concordance cannot be used")
    return table[["hs", "industry", "weight"]]


def longest_prefix(codes: Iterable[str], prefixes: Iterable[str]) -> dict[str, str]:
    """Code -> the longest of the prefixes that it starts with; codes that none fits are left out."""
    every_prefix = set(prefixes)
    prefix_of = {
        code: next((code[:n] for n in range(len(code), 0, -1) if code[:n] in every_prefix), "") for code in codes
    }
    return {code: prefix for code, prefix in prefix_of.items() if prefix}


@dataclass
class HsTrade:
    """Adds up flows piece by piece: by industry, and as they are for codes of rare earths.

    concordance : of ``hs_industries``. rare_earths : prefixes of HS codes. Pieces have year, importer, exporter, hs,
    value (million US$) and tonnes (NaN where there is none).
    """

    concordance: pd.DataFrame
    rare_earths: Sequence[str]
    parts: list[Any] = field(default_factory=list)
    rare: list[Any] = field(default_factory=list)
    lost: dict[str, float] = field(default_factory=dict)
    total: float = 0.0
    chapters: set[str] = field(default_factory=set)

    def add(self, piece: Any) -> None:
        """Sort a piece in."""
        codes = longest_prefix(piece["hs"].unique(), self.concordance["hs"])
        self.total += float(piece["value"].sum())
        self.chapters |= set(piece["hs"].str[:2].unique())
        outside = piece.loc[~piece["hs"].isin(list(codes))]
        for hs, value in outside.groupby("hs")["value"].sum().items():
            self.lost[str(hs)] = self.lost.get(str(hs), 0.0) + float(value)
        placed = piece.assign(prefix=piece["hs"].map(codes)).groupby([*_FLOW, "prefix"], as_index=False)["value"].sum()
        placed = placed.merge(self.concordance.rename(columns={"hs": "prefix"}), on="prefix")
        placed["value"] *= placed["weight"]
        self.parts.append(placed.groupby([*_FLOW, "industry"], as_index=False)["value"].sum())
        self.rare.append(piece[piece["hs"].str.startswith(tuple(self.rare_earths))])

    def problems(self, file: str) -> list[Problem]:
        """Codes that the concordance loses."""
        return [
            Problem(
                f"the concordance would lose {value:,.4g} million US$ ({value / self.total:.2%} of the trade)",
                "Add a row for the code, or for its chapter, to a file and give it as --concordance",
                file=file,
                column="hs",
                value=hs,
            )
            for hs, value in sorted(self.lost.items(), key=lambda item: -item[1])
        ]


def trade_tables(
    trade: HsTrade, choices: ImportOptions, told: str, edition: str, file: str, name: str
) -> tuple[Imported, list[Problem]]:
    """``outcomes.csv`` (exports), ``ree_use_panel.csv``, ``element_exports.csv``, and of one year ``trade.csv``.

    told : source of the figures, in words. name : of the source; trade by element: ``sources/<name>_elements.csv``.
    Raises InputError for mappings that lose countries or industries; problems with the figures are returned.
    """
    flows: Any = pd.concat(trade.parts, ignore_index=True)
    countries = sorted(set(flows[IMPORTER]) | set(flows[EXPORTER]))
    region = regions_of(choices.mapping, countries)
    industries = sorted(set(flows["industry"]))
    sector = sectors_of(choices.sectors, industries)
    problems, left_out = _magnitudes(flows, file, choices.confirm_units), []
    flows[SECTOR] = flows["industry"].map(sector)
    rare: Any = pd.concat(trade.rare, ignore_index=True)
    for table in (flows, rare):
        for side in (IMPORTER, EXPORTER):
            table[side] = table[side].map(region)
    inside = flows[IMPORTER] == flows[EXPORTER]
    if bool(inside.any()):
        left_out.append(f"trade within a country or region: {flows.loc[inside, 'value'].sum():,.0f} million US$")
    flows, rare = flows[~inside], rare[rare[IMPORTER] != rare[EXPORTER]]
    years = sorted(set(flows[YEAR]))
    exports = flows.groupby([EXPORTER, SECTOR, YEAR], as_index=False)["value"].sum()
    exports = exports[exports["value"] > 0].rename(columns={EXPORTER: COUNTRY}).assign(outcome="exports")
    tables = {"outcomes": exports[[COUNTRY, SECTOR, YEAR, "outcome", "value"]]}
    part = len(trade.chapters) < _CHAPTERS and not choices.partial
    base = choices.year or (years[0] if len(years) == 1 else None)
    if part:
        tables = {}
        words = f"the files have {len(trade.chapters)} chapters of the HS, sectors need all; say --partial otherwise"
        left_out.append(f"outcomes.csv, trade.csv: {words}")
    elif base is None:
        left_out.append("trade.csv: the files have several years; say --year")
    elif base not in years:
        advice = f"Choose one of {years[0]} to {years[-1]}"
        problems.append(Problem("the files do not have the year", advice, column="--year", value=base))
    else:
        of_year = flows[flows[YEAR] == base].groupby([IMPORTER, EXPORTER, SECTOR], as_index=False)["value"].sum()
        tables["trade"] = of_year[of_year["value"] > 0]
        left_out.append("domestic sales in trade.csv: customs do not see them; a dataset needs them too")
    more, elements, words, found = _rare_earths(rare, choices, told, file)
    rules = [
        "industries by the longest prefix of the HS code in the concordance, weights sum to 1, no code is lost",
        f"rare earths: HS {', '.join(trade.rare_earths)}; gross weight of compounds taken as tonnes of oxide",
        "elements of rare-earth goods by hs_elements.csv: imputed",
    ]
    extra = {f"{name}_elements": elements} if len(elements) else {}
    return Imported({**tables, **more}, edition, rules, [*left_out, *words], extra), problems + found


def _magnitudes(flows: Any, file: str, confirmed: bool) -> list[Problem]:
    problems = []
    for year, total in flows.groupby(YEAR)["value"].sum().items():
        if total > MOST_TRADE and not confirmed:
            advice = "Are the values in a smaller unit than the source's? If the file is right, say --confirm-units"
            message = f"trade of {year} adds up to {total:,.3g} million US$, more than the world trades"
            problems.append(Problem(message, advice, file=file))
    for hole in gaps(flows[YEAR]):
        problems.append(Problem("a year is missing from the panel", "Add its file", file=file, value=hole))
    return problems


def _rare_earths(
    rare: Any, choices: ImportOptions, told: str, file: str
) -> tuple[dict[str, Any], Any, list[str], list[Problem]]:
    """Imports by country (value and mass), exports (mass), both by element; flows without a mass are left out."""
    nothing = pd.DataFrame()
    if choices.partners:
        unknown = [name for name in choices.partners if name not in set(rare[EXPORTER])]
        if unknown:
            partners = sorted(set(rare[EXPORTER]))
            message, column = "no rare earths come from this partner", "--partner"
            own_problems = [Problem(message, closest(name, partners), column=column, value=name) for name in unknown]
            return {}, nothing, [], own_problems
    if rare.empty:
        return {}, nothing, ["ree_use_panel.csv, element_exports.csv: the files have no rare earths"], []
    weighed = rare[(rare["tonnes"] > 0) & (rare["value"] > 0)]
    words = []
    if len(weighed) < len(rare):
        value = rare["value"].sum() - weighed["value"].sum()
        share = f"{value / rare['value'].sum():.1%} of their value" if rare["value"].sum() > 0 else "all without value"
        words.append(f"{len(rare) - len(weighed)} flows of rare earths without mass or value, {share}")
    problems: list[Problem] = []
    for year, value, tonnes in weighed.groupby(YEAR)[["value", "tonnes"]].sum().itertuples():
        what = f"rare earths traded in {year}"
        problems += unit_value_problem(value, tonnes, USUAL_PRICE, what, file, choices.confirm_units)
    elements, own_problems = _by_element(weighed, file)
    problems += own_problems
    bought = weighed[weighed[EXPORTER].isin(list(choices.partners))] if choices.partners else weighed
    panel = bought.groupby([IMPORTER, YEAR], as_index=False)[["tonnes", "value"]].sum()
    panel = panel.rename(columns={IMPORTER: COUNTRY})
    panel.insert(1, SECTOR, "all")
    origin = f" from {', '.join(choices.partners)}" if choices.partners else ""
    panel = panel.assign(source=f"read: {told}: imports of rare earths{origin}", verified=True)
    sold = weighed.groupby([EXPORTER, YEAR], as_index=False)["tonnes"].sum().rename(columns={EXPORTER: COUNTRY})
    sold = sold.assign(source=f"read: {told}: exports of rare earths, gross weight", verified=True)
    return {"ree_use_panel": panel, "element_exports": sold}, elements, words, problems


def _by_element(rare: Any, file: str) -> tuple[Any, list[Problem]]:
    """importer, exporter, element, year, tonnes of oxide, value; the value is split as the mass is."""
    parts: Any = pd.read_csv(HS_ELEMENTS, dtype={"hs": str})
    codes = longest_prefix(rare["hs"].unique(), parts["hs"])
    problems = [
        Problem(
            "the concordance to elements would lose this code",
            "Name codes that hs_elements.csv knows with --hs: " + ", ".join(dict.fromkeys(parts["hs"])),
            file=file,
            column="hs",
            value=hs,
        )
        for hs in sorted(set(rare["hs"]) - set(codes))
    ]
    merged = rare.assign(prefix=rare["hs"].map(codes)).merge(
        parts[["hs", "element", "weight", "oxide_per_tonne"]].rename(columns={"hs": "prefix"}), on="prefix"
    )
    merged["tonnes"] *= merged["weight"] * merged["oxide_per_tonne"]
    merged["value"] *= merged["weight"]
    key = [IMPORTER, EXPORTER, "element", YEAR]
    return merged.groupby(key, as_index=False)[["tonnes", "value"]].sum(), problems
