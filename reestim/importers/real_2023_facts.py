"""The facts on rare earths of 2023, from typed figures, the USGS and Natural Resources Canada, by stated rules.

Units: US$/kg, t REO. Only averages become prices: what was asked in Europe in 2025 for the last kilogram is a shadow
price and stays in ``sources/marginal_prices_2025.csv``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reestim.importers.facts import ELEMENTS
from reestim.numerics.ras import ras

BASE_YEAR = 2023
_PRICE_YEARS = range(2021, 2026)
_NAMES = {
    "La": "Lanthanum",
    "Ce": "Cerium",
    "Pr": "Praseodymium",
    "Nd": "Neodymium",
    "Sm": "Samarium",
    "Eu": "Europium",
    "Gd": "Gadolinium",
    "Tb": "Terbium",
    "Dy": "Dysprosium",
    "Y": "Yttrium",
}
#: Applications of Natural Resources Canada by those of the dataset; catalysts are two, in the proportion of 2008.
NRCAN: dict[str, tuple[str, ...]] = {
    "magnets": ("magnets",),
    "catalysts": ("auto_catalysts", "cracking_catalysts"),
    "polishing powders": ("polishing",),
    "metallurgical": ("metallurgy",),
    "glass": ("glass",),
    "battery alloys": ("battery_alloys",),
    "ceramics": ("ceramics",),
    "phosphors": ("phosphors",),
    "pigments": ("other",),
    "other (remainder)": ("other",),
}
#: Of 2008's dysprosium in a magnet, what is left: grain-boundary diffusion halved it (Trout 2018, read).
DYSPROSIUM_LEFT = 0.5
#: Rows of ``use_by_region_2010.csv``, and the applications of the dataset that each stands for.
USES_2010: dict[str, tuple[str, ...]] = {
    "catalysts": ("auto_catalysts", "cracking_catalysts"),
    "metal alloys": ("metallurgy", "battery_alloys"),
    "glass": ("glass",),
    "polishing": ("polishing",),
    "phosphors": ("phosphors",),
    "ceramics": ("ceramics",),
    "other": ("other",),
}
_GROUPS = ("CHN", "JPN KOR", "USA", "all but CHN JPN KOR USA")


def prices(observations: Path) -> pd.DataFrame:
    """Average prices of oxides 2021-2025, of ``sources/prices.csv``, from the USGS's file of observations."""
    table: Any = pd.read_csv(observations, dtype=str)
    table = table[table["statistics_detail"].str.startswith("Price, average", na=False)]
    rows: list[tuple[str, int, float, str, str]] = []
    for element, name in _NAMES.items():
        here = table[(table["commodity"] == name) & table["statistics_detail"].str.contains("oxide|Y2O3")]
        for row in here.to_dict("records"):
            source_text = (
                f"USGS Mineral Commodity Summaries 2026: {row['statistics_detail'].removeprefix('Price, average, ')}"
            )
            rows.append((element, int(row["year"]), float(row["value"]), "read", source_text))
    rows.sort(key=lambda row: (ELEMENTS.index(row[0]), row[1]))
    return pd.DataFrame(rows, columns=["element", "year", "price", "status", "source"])


def element_prices(sources: Path) -> pd.DataFrame:
    """``element_prices.csv``: the average abroad, and the same inside China: no gap was seen before April 2025."""
    table = pd.read_csv(sources / "prices.csv")
    gap = (
        "imputed: the price abroad; in April 2024 neodymium cost 53 to 55 US$/kg in Rotterdam and FOB China alike "
        "(read, Fastmarkets), so that no gap is seen before the controls of 2025"
    )
    rows = [
        (row["element"], row["year"], market, row["price"], source, market == "export")
        for market in ("export", "domestic_CHN")
        for row in table.to_dict("records")
        for source in [f"{row['status']}: {row['source']}" if market == "export" else gap]
    ]
    return pd.DataFrame(rows, columns=["element", "year", "market", "price", "source", "verified"])


def mine_output(file: Path) -> pd.DataFrame:
    """``sources/mine_output.csv``: national totals of the USGS, 2023 and 2024. For reading: oxide is not sold there."""
    table = pd.read_csv(file)
    return pd.DataFrame(
        {"producer": table["country"], "year": table["year"], "tonnes": table["tonnes_reo"], "status": "read"}
    ).assign(source=table["source"])


def uses(sources: Path, older: Path) -> pd.DataFrame:
    """``sources/uses.csv``: tonnes by application, shares of 2021 laid over what magnets used in 2023."""
    shares: Any = pd.read_csv(sources / "nrcan_uses.csv")
    shares = shares[shares["year"] == 2021].set_index("application")["share_percent"]
    magnets = float(pd.read_csv(sources / "magnet_use.csv")["tonnes"].iloc[0])
    of_2008: Any = pd.read_csv(older / "uses.csv").set_index("application")["tonnes"]
    source_text = f"{magnets:,.0f} t in magnets in {BASE_YEAR} (IEA) times shares of 2021 (Natural Resources Canada)"
    out: dict[str, tuple[float, str]] = {}
    for name, applications in NRCAN.items():
        whole = float(of_2008[list(applications)].sum())
        for application in applications:
            part = float(of_2008[application]) / whole
            tonnes = magnets * float(shares[name]) / float(shares["magnets"]) * part
            before = out.get(application, (0.0, ""))[0]
            words = (
                source_text if part == 1 else f"{source_text}, split as in 2008 (Goonan, USGS SIR 2011-5094, recalled)"
            )
            out[application] = (before + tonnes, words)
    rows = [(name, round(t, 3), "read" if name == "magnets" else "imputed", words) for name, (t, words) in out.items()]
    return pd.DataFrame(rows, columns=["application", "tonnes", "status", "source"])


def element_use(sources: Path, older: Path) -> pd.DataFrame:
    """``element_use.csv``: tonnes of each application by the composition of 2008, with half the dysprosium."""
    total: Any = pd.read_csv(sources / "uses.csv").set_index("application")["tonnes"]
    shares: Any = pd.read_csv(older / "use_shares.csv")
    rows = []
    for application, group in shares.groupby("application", sort=False):
        part: Any = group.set_index("element")["per_cent"].astype(float)
        source_text = "imputed: composition of 2008 (Goonan, USGS SIR 2011-5094, recalled)"
        if application == "magnets":
            gone = part["Dy"] * (1 - DYSPROSIUM_LEFT)
            part["Dy"] -= gone
            part[["Nd", "Pr"]] *= 1 + gone / part[["Nd", "Pr"]].sum()
            source_text += ", half of its dysprosium replaced by neodymium and praseodymium (Trout 2018, read)"
        source_text += f", tonnes of {BASE_YEAR} in sources/uses.csv"
        rows += [
            (
                application,
                element,
                round(float(total[application]) * share / 100, 3),
                f"{source_text}: {share:.4g} %",
                False,
            )
            for element, share in part.items()
        ]
    return pd.DataFrame(rows, columns=["application", "element", "tonnes", "source", "verified"])


def element_output(sources: Path, use: pd.DataFrame, elements: pd.DataFrame) -> pd.DataFrame:
    """``element_output.csv``: separated oxide by country, the world's use of each element times shares in separation.

    What is mined and not used (cerium above all) is left out.
    """
    shares: Any = pd.read_csv(sources / "separation.csv")
    used: Any = use.groupby("element")["tonnes"].sum()
    group: Any = elements.set_index("element")["group"]
    rows = []
    for country in dict.fromkeys(shares["country"]):
        for element in ELEMENTS:
            here = shares[(shares["country"] == country) & (shares["group"] == group[element])]
            if here["share"].sum() > 0:
                source_text = "; ".join(
                    f"{r['producer']} {100 * r['share']:g} % ({r['status']})" for r in here.to_dict("records")
                )
                source = (
                    f"imputed: use of the world times shares in separation of {group[element]} elements, {source_text}"
                )
                rows.append(
                    (country, element, BASE_YEAR, round(float(used[element] * here["share"].sum()), 3), source, False)
                )
    return pd.DataFrame(rows, columns=["country", "element", "year", "tonnes", "source", "verified"])


def country_use(sources: Path, older: Path) -> pd.DataFrame:
    """``country_use.csv``: where oxide is processed. Magnets by their makers; other uses by the amounts of 2010, which
    RAS brings to the totals of the United States and of Japan with Korea and to the uses of 2023."""
    makers: Any = pd.read_csv(sources / "magnet_makers.csv")
    rows = [
        ("magnets", "processing", r["countries"], r["share"], f"{r['status']}: {r['source']}", r["status"] == "read")
        for r in makers.to_dict("records")
    ]
    total: Any = pd.read_csv(sources / "uses.csv").set_index("application")["tonnes"]
    national: Any = pd.read_csv(sources / "national_use.csv").set_index("countries")["tonnes"]
    amounts: Any = pd.read_csv(older / "use_by_region_2010.csv")
    amounts = amounts[amounts["use"].isin(list(USES_2010))]
    wide = amounts.pivot_table(index="countries", columns="use", values="amount", sort=False)[
        list(USES_2010)
    ].to_numpy()
    used = np.array([float(total[list(names)].sum()) for names in USES_2010.values()])
    seed = wide * (used / wide.sum(axis=0))
    of_magnets: Any = makers.set_index("countries")["share"] * float(total["magnets"])
    stated = {1: float(national["JPN KOR"]) - float(of_magnets["JPN"]), 2: float(national["USA"])}
    rest = [k for k in range(len(_GROUPS)) if k not in stated]
    cells = np.vstack([seed[list(stated)], seed[rest].sum(axis=0)])
    wanted = np.append(list(stated.values()), used.sum() - sum(stated.values()))
    fitted = ras(
        cells, wanted, used, rows=[*(_GROUPS[k] for k in stated), "others"], columns=list(USES_2010), name="use"
    )
    amount = np.empty_like(seed)
    amount[list(stated)] = fitted[:-1]
    amount[rest] = seed[rest] / seed[rest].sum(axis=0) * fitted[-1]
    source_text = (
        "imputed: amounts of 2010 (Kingsnorth, IMCOA, recalled) brought by RAS to the uses of 2023 and to the totals "
        "of the United States and of Japan with Korea (sources/national_use.csv)"
    )
    for names, column in zip(USES_2010.values(), (amount / used).T, strict=True):
        for application in names:
            shares = np.round(column, 6)
            shares[0] += 1 - shares.sum()
            rows += [
                (application, "processing", group, round(float(share), 6), source_text, False)
                for group, share in zip(_GROUPS, shares, strict=True)
            ]
    made = pd.DataFrame(rows, columns=["application", "stage", "countries", "share", "source", "verified"])
    return made.sort_values("application", kind="stable", ignore_index=True)
