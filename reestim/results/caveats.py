"""What a scenario gets for nothing: ore, scrap and stocks that cost more than the model counts, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reestim.equilibrium.economy import Economy
from reestim.results.format import percent
from reestim.results.names import country_name

_BOUND = "what this scenario gains is therefore an upper bound"


def caveats(about: Mapping[str, Any], economy: Economy | None = None) -> list[str]:
    """Sentences on what the policies of a scenario leave out; none where they leave nothing out.

    Parameters
    ----------
    about
        The scenario as ``reestim.counterfactuals.counterfactual.summarise_scenario`` records it.
    economy
        The baseline, for the tonnes of a new mine; without it, or without tonnes in it, its share is said alone.

    Returns
    -------
    list of str
        One sentence on new mines and more ore, one on scrap and stocks.

    Examples
    --------
    >>> from reestim.results.caveats import caveats
    >>> caveats({"policies": [{"policy": "recycling", "rate": 0.2}]})[0][:32]
    'Scrap costs nothing to collect a'
    >>> caveats({"policies": [{"policy": "export_quota"}]})
    []
    """
    policies: Sequence[Mapping[str, Any]] = about.get("policies", [])
    mines = list(about.get("mines", []))
    out = []
    opened = [p for p in policies if p["policy"] == "supply_shock" and p.get("quantity_change", 0) > 1]
    if mines or opened:
        sizes = f" ({'; '.join(_sizes(mines, economy))})" if mines else ""
        out.append(f"Ore costs nothing to find and mines nothing to open, and they yield at once{sizes}: {_BOUND}.")
    if any(p["policy"] == "recycling" and p.get("rate", 0) > 0 for p in policies):
        out.append(
            "Scrap costs nothing to collect and separate, and stocks, if that is what it stands for, nothing to buy, "
            f"hold and refill: {_BOUND}."
        )
    return out


def _sizes(mines: Sequence[Mapping[str, Any]], economy: Economy | None) -> Iterator[str]:
    """The size of each new mine in the baseline."""
    for mine in mines:
        named = mine.get("elements", mine.get("element", ()))  # runs of before had one element a mine
        elements = [named] if isinstance(named, str) else list(named)
        tonnes = [_tonnes(economy, element, mine["share_of_world"]) for element in elements]
        amount = ""
        if tonnes and all(value is not None for value in tonnes):
            amount = ", about " + ", ".join(f"{value:,.0f} t {e}" for value, e in zip(tonnes, elements, strict=True))
        what = "every element that it did not mine" if elements == ["all"] else ", ".join(elements)
        yield (
            f"the new mine in {country_name(mine['country'])} begins with {percent(mine['share_of_world'])} of what "
            f"the world's mines earn with {what}{amount}"
        )


def _tonnes(economy: Economy | None, element: str, share: float) -> float | None:
    """Tonnes of oxide at the world's mean price of the element; None where the economy has none."""
    if economy is None or "element_supply" not in economy.ds or element not in economy.elements:
        return None
    return share * float(economy.ds["element_supply"].sel(element=element).sum())
