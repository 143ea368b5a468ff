"""Rules of ``country_use.csv``: where in the world an application of rare earths happens."""

from __future__ import annotations

from typing import Any

from reestim.data.country_groups import country_group
from reestim.data.partial_tables import PartialTables
from reestim.data.schemas import WEIGHT_TOLERANCE
from reestim.errors import Problem

COUNTRY_USE_STEM = "country_use"


def country_use_problems(data: PartialTables, countries: tuple[str, ...]) -> list[Problem]:
    """Groups that name no country, countries in two groups of an application, shares that are not 1 together, and two
    stages of one application."""
    table = data.get(COUNTRY_USE_STEM, "application", "countries", "share")
    bad = data.faulty_rows.get(COUNTRY_USE_STEM, set())
    if table is None or -1 in bad or not countries:
        return []
    problems = []
    for application, rows in table.groupby("application", sort=False):
        place: dict[str, Any] = {"file": f"{COUNTRY_USE_STEM}.csv", "row": int(rows.index[0])}
        taken: dict[str, int] = {}
        sound = not bad & {int(row) for row in rows.index}
        for row, text in rows["countries"].items():
            here: dict[str, Any] = {
                "file": f"{COUNTRY_USE_STEM}.csv",
                "row": int(row),
                "column": "countries",
                "value": text,
            }
            try:
                group = country_group(str(text), countries)
            except ValueError as error:
                message, advice = str(error).split(". ", 1)
                problems.append(Problem(message, advice, **here))
                sound = False
                continue
            for country in [name for name in group if name in taken]:
                advice = f"It is in row {taken[country]} too: its use would count twice. Name it in one row"
                problems.append(Problem(f"{country} is in two groups of {application}", advice, **here))
            taken |= {name: int(row) for name in group if name not in taken}
        total = float(rows["share"].sum())
        if sound and abs(total - 1) > WEIGHT_TOLERANCE:
            advice = f"They sum to {total:.6g}; add the countries that lack (all but ...), or scale them to 1"
            message = "the shares of the application do not sum to 1"
            problems.append(Problem(message, advice, **place, column="share", value=application))
        stages = list(dict.fromkeys(rows["stage"])) if "stage" in rows else []
        if sound and len(stages) > 1:
            advice = "Give all its rows one stage: where oxide is processed and where goods are made are other shares"
            message = f"the application mixes stages ({', '.join(stages)})"
            problems.append(Problem(message, advice, **place, column="stage", value=application))
    return problems
