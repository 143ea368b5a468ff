"""Names of countries as sentences have them."""

from __future__ import annotations

from reestim.importers.countries import name_of_alpha3

#: Where ISO's name is not how a sentence calls the country, and the regions of the bundled datasets.
_PLAIN = {
    "CZE": "Czechia",
    "GBR": "the United Kingdom",
    "IRN": "Iran",
    "KOR": "Korea",
    "NLD": "the Netherlands",
    "PHL": "the Philippines",
    "REU": "the rest of the European Union",
    "ROW": "the rest of the world",
    "RUS": "Russia",
    "TUR": "Turkey",
    "TWN": "Taiwan",
    "USA": "the United States",
    "VNM": "Vietnam",
}

#: The same for labels, which must be short.
_SHORT = {"REU": "Rest of the EU", "ROW": "Rest of the world", "GBR": "United Kingdom"}


def country_name(code: str) -> str:
    """Name of a country by its alpha-3 code; the code itself where it is not one, as in a user's own regions."""
    return _PLAIN.get(code) or name_of_alpha3().get(code, code)


def country_label(code: str) -> str:
    """A country as tables have it: ``Japan (JPN)``, ``Rest of the EU (REU)``; a user's own label as it is."""
    name = _SHORT.get(code) or country_name(code).removeprefix("the ")
    return code if name == code else f"{name} ({code})"


def short_name(code: str) -> str:
    """The same without the code, for figures."""
    return country_label(code).removesuffix(f" ({code})")


def at_the_start(name: str) -> str:
    """A name with which a sentence begins."""
    return name[:1].upper() + name[1:]
