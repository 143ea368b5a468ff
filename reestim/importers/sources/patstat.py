"""PATSTAT Global of the European Patent Office: tables as CSV (whole, in parts, or an extract of PATSTAT Online).

An invention is a DOCDB family, its year the earliest filing year (priorities included). Residence:
``person_ctry_code``, blank for most applicants at some national offices; these inventions are left out and counted by
office. Sectors: the weights of ``tls229`` (NACE Rev. 2) where the table is given, else CPC and IPC symbols.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from reestim.errors import Problem, Problems
from reestim.importers.imported import Imported, ImportOptions
from reestim.importers.invention_files import TAKES as SHARED
from reestim.importers.invention_files import selection_of, write_inventions
from reestim.importers.inventions import ADDITIONAL, UNKNOWN, Application, Applications
from reestim.importers.klems_sectors import nace_industries
from reestim.importers.patent_columns import country_of, party_of, strange_countries
from reestim.importers.patent_tables import Tables, cells, find_tables, missing_tables, refuse, release_problems, whole
from reestim.importers.regions import sectors_of
from reestim.importers.stream import finite, listed
from reestim.importers.technology import NACE_INDUSTRIES, nace_sectors, symbol_of

EDITION = "PATSTAT Global, tables tls2xx as CSV (editions since 2019)"
TAKES = (*SHARED, "party")
_TITLE = "the tables of PATSTAT cannot be used"
_COLUMNS: dict[str, tuple[str, ...]] = {
    "tls201": ("appln_id", "appln_auth", "appln_filing_year", "earliest_filing_year", "ipr_type", "docdb_family_id"),
    "tls202": ("appln_id", "appln_title_lg", "appln_title"),
    "tls203": ("appln_id", "appln_abstract_lg", "appln_abstract"),
    "tls206": ("person_id", "person_ctry_code"),
    "tls207": ("person_id", "appln_id", "applt_seq_nr", "invt_seq_nr"),
    "tls209": ("appln_id", "ipc_class_symbol", "ipc_value", "ipc_position"),
    "tls224": ("appln_id", "cpc_class_symbol"),
    "tls229": ("appln_id", "nace2_code", "weight"),
}
_WANTED = ("tls201", "tls202", "tls203", "tls206", "tls207", "tls209|tls224|tls229")
_NAME = re.compile(r"(tls2\d\d)[a-z0-9_]*\.(?:csv|txt)(?:\.zip|\.gz)?", re.I)
#: How PATSTAT writes that a year is not known.
_NO_YEAR = 9999


def read(files: Sequence[Path], choices: ImportOptions, work: Path) -> Imported:
    """``patents.parquet`` and ``patent_shares.parquet``.

    Raises InputError listing tables that are missing, columns that are missing, repeated applications, figures that are
    none, tables of different editions, and classes that a concordance would lose.
    """
    problems = Problems()
    party = problems.attempt(lambda: party_of(choices)) or "applicant"
    tables, own_problems = find_tables(
        files, _COLUMNS, _table_of, lambda _: "this is not a table that is read", EDITION, parts=True
    )
    problems += own_problems
    problems += missing_tables(tables, _WANTED, f"Give all of {', '.join(_WANTED)}, of one edition", ".csv")
    by_nace = "tls229" in tables
    if by_nace and choices.concordance:
        advice = "Leave out one of the two: tls229 leads to sectors by itself"
        problems.append(Problem("two ways to sectors are given", advice, column="--concordance", value="tls229"))
    chosen = selection_of(choices, problems)
    nace: dict[str, dict[str, float]] = {}
    if by_nace:
        industries = sorted(set(nace_industries(NACE_INDUSTRIES)["industry"]))
        named = problems.attempt(lambda: sectors_of(choices.sectors, industries))
        nace = nace_sectors(named) if named else {}
    refuse(problems, _TITLE)
    with Applications(work) as store:
        words = _fill(store, tables, party, nace)
        rules = [
            f"residence: country of each {party}; families: DOCDB; patents of invention only (ipr_type PI)",
            "sectors: NACE Rev. 2 weights of tls229, split over sectors by the shipped concordance (imputed); where an "
            "invention has none, its classes"
            if by_nace
            else "sectors: CPC and IPC symbols by the concordance, which is imputed (judged from titles)",
        ]
        return write_inventions(store, chosen, work, EDITION, rules, words)


def _table_of(path: Path) -> str:
    match = _NAME.fullmatch(path.name)
    return match.group(1).lower() if match else ""


def _fill(store: Applications, tables: Tables, party: str, nace: Mapping[str, Mapping[str, float]]) -> list[str]:
    """All that the tables say of applications; in words, what is left out."""
    problems: list[Problem] = []
    others, repeated = 0, 0
    for piece in tables.pieces("tls201"):
        invention = piece["ipr_type"] == "PI"
        others += int((~invention).sum())
        inventions = piece[invention]
        earliest, own_problems = whole(inventions["earliest_filing_year"], tables.name("tls201"))
        filed, more = whole(inventions["appln_filing_year"], tables.name("tls201"))
        problems += own_problems + more
        year = earliest.where((earliest > 0) & (earliest < _NO_YEAR), filed)
        rows = cells(inventions.assign(year=year), "appln_id", "docdb_family_id", "year", "appln_auth")
        repeated += store.add(
            Application(i, "" if f == "0" else f, int(y) if 0 < y < _NO_YEAR else None, office, "", "", "", "")
            for i, f, y, office in rows
        )
    if repeated:
        advice = "Give each part of the table once"
        problems.append(Problem(f"{repeated:,} applications are repeated", advice, file=tables.name("tls201")))
    for table, column in (("tls202", "title"), ("tls203", "abstract")):
        repeated = 0
        for piece in tables.pieces(table):
            rows = cells(piece, "appln_id", f"appln_{column}", f"appln_{column}_lg")
            repeated += store.set_texts(column, ((i, text, tongue.lower()) for i, text, tongue in rows if text))
        if repeated:
            advice = "Give each part of the table once"
            problems.append(Problem(f"{repeated:,} texts are repeated", advice, file=tables.name(table)))
    words = _people(store, tables, party, problems)
    _classes(store, tables, problems)
    if nace:
        _nace(store, tables, nace, problems)
    sectors = next(name for name in ("tls229", "tls224", "tls209") if name in tables)
    where = {"year": tables.name("tls201"), "sector": tables.name(sectors)}
    refuse([*problems, *release_problems(store, where)], _TITLE)
    return ([f"applications that are not patents of invention: {others:,}"] if others else []) + words


def _people(store: Applications, tables: Tables, party: str, problems: list[Problem]) -> list[str]:
    for piece in tables.pieces("tls206"):
        codes = {code: country_of(code) for code in piece["person_ctry_code"].unique()}
        rows = ((person, code) for person, code in cells(piece, "person_id", "person_ctry_code") if code)
        store.add_places((person, codes[code] or UNKNOWN + code) for person, code in rows)
    column = {"applicant": "applt_seq_nr", "inventor": "invt_seq_nr"}[party]
    for piece in tables.pieces("tls207"):
        rank, own_problems = whole(piece[column], tables.name("tls207"))
        problems += own_problems
        store.add_people_at(cells(piece.assign(rank=rank)[rank > 0], "appln_id", "rank", "person_id"))
    return strange_countries(store.unknown_countries())


def _classes(store: Applications, tables: Tables, problems: list[Problem]) -> None:
    """CPC symbols before those of the IPC; additional information behind both."""
    for n, (table, column) in enumerate((("tls224", "cpc_class_symbol"), ("tls209", "ipc_class_symbol"))):
        for piece in tables.pieces(table) if table in tables else ():
            symbols = {text: symbol_of(text) for text in piece[column].unique()}
            wrong = piece[column].map(symbols) == ""
            problems += listed(wrong, piece[column], "not a symbol", "Export the table again", tables.name(table))
            rank = piece[column].map(lambda _, n=n: 2 * n)
            if table == "tls209":
                rank = rank + (piece["ipc_position"] != "F") + (piece["ipc_value"] == "A") * ADDITIONAL
            rows = piece.assign(rank=rank, symbol=piece[column].map(symbols))[~wrong]
            store.add_symbols(cells(rows, "appln_id", "rank", "symbol"))


def _nace(
    store: Applications, tables: Tables, nace: Mapping[str, Mapping[str, float]], problems: list[Problem]
) -> None:
    lost: Counter[str] = Counter()
    for piece in tables.pieces("tls229"):
        weight = finite(piece["weight"])
        wrong = ~(weight >= 0)
        problems += listed(wrong, piece["weight"], "no weight of 0 or more", "Export it again", tables.name("tls229"))
        sound = piece.assign(weight=weight)[~wrong]
        division = sound["nace2_code"].str.split(".").str[0].str.zfill(2)
        lost.update(division[~division.isin(list(nace))])
        rows = cells(sound.assign(division=division), "appln_id", "division", "weight")
        store.add_weights((i, s, w * part) for i, d, w in rows for s, part in nace.get(d, {}).items())
    advice = "Use codes of NACE Rev. 2"
    problems += [
        Problem(f"the concordance would lose {n:,} rows", advice, file=tables.name("tls229"), value=code)
        for code, n in lost.most_common(20)
    ]
