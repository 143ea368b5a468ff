"""Ways to spoil the cells of a dataset, each with the problems that must be reported."""

from __future__ import annotations

from tests.unit.spoiled_folder import Expected, Folder


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
    row = f.append("value_added.csv", "CHN,labor,Nd,5,mine,false")
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
    row = f.append("value_added.csv", "JPN,labor,metals,77,mine,false")
    key = "JPN, labor, metals"
    return [Expected("value_added.csv", row, None, key, "the key is repeated", f"rows {first} and {row}")]
