"""Ways to spoil a copy of the bundled dataset, each with the problems that must be reported."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from reestim.errors import Problem


@dataclass(frozen=True)
class Expected:
    """What a problem must say; ``message`` and ``advice`` are searched for, the rest is compared."""

    file: str
    row: int | None
    column: str | None
    value: object
    message: str
    advice: str

    def describes(self, problem: Problem) -> bool:
        if isinstance(self.value, str) and isinstance(problem.value, str) and ": " in problem.value:
            problem = replace(problem, value=problem.value.split(": ")[0])  # identities add figures after the names
        place = (problem.file, problem.row, problem.column, problem.value)
        said = re.search(self.message, problem.message) and re.search(self.advice, problem.advice)
        return place == (self.file, self.row, self.column, self.value) and bool(said)


class Folder:
    """A copy of the bundled dataset that a test spoils."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self, file: str) -> list[str]:
        return (self.path / file).read_text(encoding="utf-8").splitlines()

    def write(self, file: str, lines: list[str]) -> None:
        (self.path / file).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def row(self, file: str, start: str) -> int:
        return 1 + next(k for k, line in enumerate(self.lines(file)) if line.startswith(start))

    def append(self, file: str, line: str) -> int:
        lines = [*self.lines(file), line]
        self.write(file, lines)
        return len(lines)

    def drop(self, file: str, start: str) -> None:
        row = self.row(file, start)
        self.write(file, [line for k, line in enumerate(self.lines(file), 1) if k != row])

    def set(self, file: str, start: str, column: str, value: str) -> int:
        """Put ``value`` in the first row that starts so; returns its line number."""
        lines, row = self.lines(file), self.row(file, start)
        cells = next(csv.reader([lines[row - 1]]))
        cells[next(csv.reader([lines[0]])).index(column)] = value
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="").writerow(cells)
        lines[row - 1] = buffer.getvalue()
        self.write(file, lines)
        return row

    def toml(self, old: str, new: str) -> int:
        lines = self.lines("dataset.toml")
        row = next(k for k, line in enumerate(lines) if old in line)
        lines[row] = lines[row].replace(old, new)
        self.write("dataset.toml", lines)
        return row + 1


def missing_file(f: Folder) -> list[Expected]:
    (f.path / "trade_elasticities.csv").rename(f.path / "trade_elasticity.csv")
    return [
        Expected("trade_elasticities.csv", None, None, None, "the file is missing", "mean 'trade_elasticity'"),
        Expected("trade_elasticity.csv", None, None, None, "no such file", "mean 'trade_elasticities'"),
    ]


def missing_column(f: Folder) -> list[Expected]:
    f.write(
        "element_prices.csv",
        [f.lines("element_prices.csv")[0].replace("market", "markt"), *f.lines("element_prices.csv")[1:]],
    )
    return [
        Expected("element_prices.csv", 1, "market", None, "the column is missing", "Did you mean 'markt'"),
        Expected("element_prices.csv", 1, "markt", None, "the column is unknown", "Did you mean 'market'"),
    ]


def extra_column(f: Folder) -> list[Expected]:
    lines = f.lines("trade.csv")
    f.write("trade.csv", [lines[0] + ",weight", *(line + ",1" for line in lines[1:])])
    return [Expected("trade.csv", 1, "weight", None, "the column is unknown", "Rename or remove it")]


def column_twice(f: Folder) -> list[Expected]:
    lines = f.lines("policy.csv")
    f.write("policy.csv", [lines[0] + ",tariff", *(line + ",0" for line in lines[1:])])
    return [Expected("policy.csv", 1, "tariff", None, "appears twice", "Keep one")]


def unknown_sector(f: Folder) -> list[Expected]:
    row = f.set("trade.csv", "CHN,JPN,chemicals", "sector", "chemical")
    return [Expected("trade.csv", row, "sector", "chemical", "unknown sector", "Did you mean 'chemicals'")]


def concordance_to_unknown_sector(f: Folder) -> list[Expected]:
    row = f.set("application_sector.csv", "magnets,machinery", "sector", "machines")
    return [Expected("application_sector.csv", row, "sector", "machines", "unknown sector", "Did you mean 'machinery'")]


def element_as_sector(f: Folder) -> list[Expected]:
    row = f.append("value_added.csv", "CHN,labor,Nd,5")
    return [Expected("value_added.csv", row, "sector", "Nd", "unknown sector", "Elements stay inside the host sector")]


def unknown_country(f: Folder) -> list[Expected]:
    row = f.set("input_output.csv", "JPN,metals,machinery", "country", "JAP")
    return [Expected("input_output.csv", row, "country", "JAP", "unknown country", "Did you mean 'JPN'")]


def unknown_element(f: Folder) -> list[Expected]:
    row = f.append("element_use.csv", "magnets,Ho,12,a guess,false")
    return [Expected("element_use.csv", row, "element", "Ho", "unknown element", "Known: La, Ce")]


def unknown_label(f: Folder) -> list[Expected]:
    row = f.set("element_prices.csv", "Nd,2009,export", "market", "exports")
    return [Expected("element_prices.csv", row, "market", "exports", "unknown market", "Did you mean 'export'")]


def unknown_application(f: Folder) -> list[Expected]:
    row = f.append("application_sector.csv", "magnetts,metals,1,imputed,false")
    return [Expected("application_sector.csv", row, "application", "magnetts", "unknown application", "'magnets'")]


def negative_flow(f: Folder) -> list[Expected]:
    row = f.set("trade.csv", "USA,CHN,metals", "value", "-4")
    return [Expected("trade.csv", row, "value", "-4", "a negative value", "Set it to 0")]


def not_a_number(f: Folder) -> list[Expected]:
    row = f.set("element_prices.csv", "La,2001,export", "price", "3.2 US$")
    return [Expected("element_prices.csv", row, "price", "3.2 US$", "not a number", "plain number")]


def nan_and_infinity(f: Folder) -> list[Expected]:
    one = f.set("element_use.csv", "magnets,Nd", "tonnes", "nan")
    two = f.set("element_use.csv", "magnets,Dy", "tonnes", "inf")
    three = f.set("element_use.csv", "magnets,Tb", "tonnes", "")
    four = f.set("element_use.csv", "magnets,Pr", "tonnes", "5e-324")
    return [
        Expected("element_use.csv", four, "tonnes", "5e-324", "the number is too small", "Write 0"),
        Expected("element_use.csv", one, "tonnes", "nan", "not a number", "plain number"),
        Expected("element_use.csv", two, "tonnes", "inf", "not a finite number", "finite"),
        Expected("element_use.csv", three, "tonnes", None, "the cell is empty", "Fill it in"),
    ]


def fractional_year(f: Folder) -> list[Expected]:
    row = f.set("element_exports.csv", "CHN,2010", "year", "2010.5")
    return [Expected("element_exports.csv", row, "year", "2010.5", "not a whole number", "whole numbers")]


def neither_true_nor_false(f: Folder) -> list[Expected]:
    row = f.set("elements.csv", "La,57", "verified", "perhaps")
    return [Expected("elements.csv", row, "verified", "perhaps", "neither true nor false", "true or false")]


def repeated_key(f: Folder) -> list[Expected]:
    first = f.row("value_added.csv", "JPN,labor,metals")
    row = f.append("value_added.csv", "JPN,labor,metals,77")
    key = "JPN, labor, metals"
    return [Expected("value_added.csv", row, None, key, "the key is repeated", f"rows {first} and {row}")]


def weights_off(f: Folder) -> list[Expected]:
    f.set("application_sector.csv", "magnets,machinery", "weight", "0.21")
    row = f.row("application_sector.csv", "magnets,")
    return [Expected("application_sector.csv", row, "weight", "magnets", "do not sum to 1", "sum to 1.01 .*scale")]


def huge_weights(f: Folder) -> list[Expected]:
    rows = [
        f.set("application_sector.csv", f"magnets,{s}", "weight", "1e308") for s in ("machinery", "electrical_optical")
    ]
    place = ("application_sector.csv", "weight", "1e308", "the number is too large", "beyond 1e.100")
    return [Expected(place[0], row, *place[1:]) for row in rows]


def no_concordance(f: Folder) -> list[Expected]:
    lines = f.lines("application_sector.csv")
    f.write("application_sector.csv", [line for line in lines if not line.startswith("phosphors,")])
    row = f.row("element_use.csv", "phosphors,")
    return [Expected("element_use.csv", row, "application", "phosphors", "has no sector", "application_sector.csv")]


def identity_off(f: Folder) -> list[Expected]:
    start = "DEU,labor,machinery"
    old = float(f.lines("value_added.csv")[f.row("value_added.csv", start) - 1].split(",")[3])
    f.set("value_added.csv", start, "value", str(old * 1.01))
    return [Expected("value_added.csv", None, None, "DEU, machinery", "not equal to output", "Output is what")]


def negative_final_demand(f: Folder) -> list[Expected]:
    """Move use of one input from one purchase to another, so that only the final-demand rule can see it."""
    rows = {
        r: c for r, c in enumerate(csv.reader(f.lines("input_output.csv")), 1) if c[0] == "KOR" and c[2] == "metals"
    }
    take = next(r for r, c in rows.items() if c[1] == "metals")
    give = next(r for r, c in rows.items() if c[1] == "mining")
    amount = float(rows[take][3]) / 2
    f.set("input_output.csv", "KOR,metals,metals", "value", f"{float(rows[take][3]) - amount:.3f}")
    f.set("input_output.csv", "KOR,mining,metals", "value", f"{float(rows[give][3]) + amount:.3f}")
    return [Expected("input_output.csv", None, "input", "KOR, mining", "final demand is negative", "Lower its use")]


def missing_price(f: Folder) -> list[Expected]:
    f.drop("element_prices.csv", "Dy,2010,domestic_CHN")
    value = "Dy, 2010, domestic_CHN"
    return [Expected("element_prices.csv", None, "price", value, "the price is missing", "verified to false")]


def missing_elasticity(f: Folder) -> list[Expected]:
    f.drop("trade_elasticities.csv", "Gd,")
    return [Expected("trade_elasticities.csv", None, "sector", "Gd", "no trade elasticity", "elements are sectors too")]


def element_not_mined(f: Folder) -> list[Expected]:
    lines = f.lines("element_output.csv")
    f.write("element_output.csv", [line for line in lines if ",Eu,2008," not in line])
    return [
        Expected("element_output.csv", None, "element", "Eu", "no output in the base year", "Add its output in 2008")
    ]


def wrong_unit(f: Folder) -> list[Expected]:
    for application in ("magnets,Nd", "cracking_catalysts,La", "polishing,Ce"):
        f.set("element_use.csv", application, "tonnes", "18000000")
    return [
        Expected("element_use.csv", None, "tonnes", "54,081,926 t", "more than a factor of three", "tonnes of oxide")
    ]


def exports_above_output(f: Folder) -> list[Expected]:
    row = f.set("element_exports.csv", "CHN,2008", "tonnes", "569390")
    return [Expected("element_exports.csv", row, "tonnes", 569390.0, "exports of the base year exceed", "CHN mines")]


def policy_at_home(f: Folder) -> list[Expected]:
    row = f.append("policy.csv", "CHN,CHN,Nd,0,0.2,a typo,false")
    return [Expected("policy.csv", row, None, "CHN, CHN", "importer and exporter are the same", "two countries")]


def panel_without_figures(f: Folder) -> list[Expected]:
    row = f.append("ree_use_panel.csv", "USA,all,2017,,,none,false")
    return [Expected("ree_use_panel.csv", row, None, None, "neither tonnes nor value", "Give one")]


def effects_in_per_cent(f: Folder) -> list[Expected]:
    f.write("event_study.csv", ["outcome,event_time,estimate,std_error,source,verified", "tfp,1,-12.5,25,mine,true"])
    said = [("estimate", "-12.5", "must lie between -10 and 10"), ("std_error", "25", "must lie between 0 and 10")]
    return [Expected("event_study.csv", 2, column, value, words, "unit") for column, value, words in said]


def not_utf8(f: Folder) -> list[Expected]:
    row = f.row("policy.csv", "*,CHN,Nd")
    raw = (f.path / "policy.csv").read_bytes()
    at = raw.index(b"Nd")
    (f.path / "policy.csv").write_bytes(raw[:at] + b"N\xe9" + raw[at + 2 :])
    return [Expected("policy.csv", row, None, None, "not UTF-8", "Save it again as UTF-8")]


def broken_quotes(f: Folder) -> list[Expected]:
    row = f.append("element_exports.csv", 'CHN,2014,28000,"a source that never ends,true')
    return [Expected("element_exports.csv", row, None, None, "the CSV is broken", "Check the quotes")]


def ragged_row(f: Folder) -> list[Expected]:
    row = f.append("trade.csv", "CHN,JPN")
    return [Expected("trade.csv", row, None, None, "wrong number of cells", "4 columns, this row 2")]


def semicolons(f: Folder) -> list[Expected]:
    f.write("element_exports.csv", [line.replace(",", ";") for line in f.lines("element_exports.csv")])
    header = "country;year;tonnes;source;verified"
    return [Expected("element_exports.csv", 1, None, header, "not separated by commas", "commas")]


def empty_file(f: Folder) -> list[Expected]:
    (f.path / "policy.csv").write_bytes(b"")
    return [Expected("policy.csv", None, None, None, "the file is empty", "header line")]


def binary_file(f: Folder) -> list[Expected]:
    (f.path / "element_exports.csv").write_bytes(b"country,year\n\0\0\n")
    return [Expected("element_exports.csv", 2, None, None, "NUL byte", "export it again")]


def directory_instead_of_file(f: Folder) -> list[Expected]:
    (f.path / "policy.csv").unlink()
    (f.path / "policy.csv").mkdir()
    return [Expected("policy.csv", None, None, None, "cannot be read", "Check that it is a file")]


def link_out_of_the_folder(f: Folder) -> list[Expected]:
    outside = f.path.parent / "outside.csv"
    (f.path / "policy.csv").rename(outside)
    (f.path / "policy.csv").symlink_to(outside)
    return [Expected("policy.csv", None, None, None, "leaves the dataset folder", "Copy the file")]


def broken_toml(f: Folder) -> list[Expected]:
    row = f.toml('host_sector = "chemicals"', "host_sector = chemicals")
    return [Expected("dataset.toml", row, None, None, "the TOML is broken", "quotes")]


def unknown_toml_key(f: Folder) -> list[Expected]:
    f.toml("policy_year = 2010", "policy_yaer = 2010")
    return [
        Expected("dataset.toml", None, "policy_year", None, "the key is missing", "Add policy_year"),
        Expected("dataset.toml", None, "policy_yaer", None, "the key is unknown", "Did you mean 'policy_year'"),
    ]


def wrong_toml_type(f: Folder) -> list[Expected]:
    f.toml("base_year = 2008", 'base_year = "2008"')
    return [Expected("dataset.toml", None, "base_year", "2008", "does not fit", "integer")]


def unknown_host(f: Folder) -> list[Expected]:
    f.toml('host_sector = "chemicals"', 'host_sector = "chemical"')
    return [Expected("dataset.toml", None, "host_sector", "chemical", "unknown sector", "Did you mean 'chemicals'")]


def path_out_of_the_folder(f: Folder) -> list[Expected]:
    f.toml("imputed = [", 'imputed = [ "../policy.csv",')
    return [Expected("dataset.toml", None, "imputed", "../policy.csv", "leaves the dataset folder", "bare name")]


def named_file_absent(f: Folder) -> list[Expected]:
    f.toml("imputed = [", 'imputed = [ "prices.csv",')
    return [Expected("dataset.toml", None, "imputed", "prices.csv", "not in the folder", "element_prices.csv")]


def no_toml(f: Folder) -> list[Expected]:
    (f.path / "dataset.toml").unlink()
    return [Expected("dataset.toml", None, None, None, "the file is missing", "copy that of the bundled dataset")]


CASES: list[Callable[[Folder], list[Expected]]] = [
    missing_file,
    missing_column,
    extra_column,
    column_twice,
    unknown_sector,
    concordance_to_unknown_sector,
    element_as_sector,
    unknown_country,
    unknown_element,
    unknown_label,
    unknown_application,
    negative_flow,
    not_a_number,
    nan_and_infinity,
    fractional_year,
    neither_true_nor_false,
    repeated_key,
    weights_off,
    huge_weights,
    no_concordance,
    effects_in_per_cent,
    identity_off,
    negative_final_demand,
    missing_price,
    missing_elasticity,
    element_not_mined,
    wrong_unit,
    exports_above_output,
    policy_at_home,
    panel_without_figures,
    not_utf8,
    broken_quotes,
    ragged_row,
    semicolons,
    empty_file,
    binary_file,
    directory_instead_of_file,
    link_out_of_the_folder,
    broken_toml,
    unknown_toml_key,
    wrong_toml_type,
    unknown_host,
    path_out_of_the_folder,
    named_file_absent,
    no_toml,
]
