"""Ways to spoil what the tables of a dataset say together, each with the problems that must be reported."""

from __future__ import annotations

import csv

from tests.unit.spoiled_folder import Expected, Folder


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
