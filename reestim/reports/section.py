"""What the page is made of: sections of headings, figures, tables and sentences. Each section is a file of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from reestim.io.files import slug
from reestim.reports.figures.images import image

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure

#: ``rests_on`` of a section whose numbers come from the posterior: all evidence of the study went into them.
POSTERIOR = "posterior"
#: Inches; a wider figure scrolls sideways on a phone instead of becoming too small to read.
_WIDE = 8.0


@dataclass(frozen=True)
class Picture:
    """A figure as files: its name without suffix, PNG and SVG, what it shows (``alt``), and a caption."""

    kind: ClassVar[str] = "picture"
    name: str
    png: bytes
    svg: bytes
    alt: str
    caption: str
    wide: bool = False


@dataclass(frozen=True)
class Shown:
    """A table as it is read: ready text, first column a label. ``data``: the same in full precision, for the CSV file,
    where no tidy table of the run has this name. In a cell, what follows the first line is printed small."""

    kind: ClassVar[str] = "table"
    name: str
    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    data: pd.DataFrame | None = None


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    kind: ClassVar[str] = "heading"
    words: str


@dataclass(frozen=True)
class Notes:
    """Sentences."""

    kind: ClassVar[str] = "notes"
    lines: Sequence[str]


Block = Picture | Shown | Heading | Notes


@dataclass(frozen=True)
class Section:
    """A part of the page. ``rests_on``: files of the dataset behind it, or ``POSTERIOR``; if one of them is synthetic,
    the section says so at its top."""

    id: str
    title: str
    blocks: Sequence[Block]
    rests_on: str | Sequence[str] = ()


def suffixes(scenarios: Sequence[str]) -> dict[str, str]:
    """What the names of each scenario's figures and tables end in; nothing where there is but one scenario."""
    return {name: f"-{slug(name)}" if len(scenarios) > 1 else "" for name in scenarios}


class Part(Protocol):
    """The module of a section (``reestim/reports/sections``)."""

    @staticmethod
    def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
        """Tidy tables that this run can fill, by the name of their file; units in the names of the columns."""
        ...

    @staticmethod
    def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
        """The section with its figures, from the tables of all parts; None where the run has nothing for it."""
        ...


def drawn(figure: Figure, name: str, caption: str, spoken: str) -> Picture:
    """A figure as a picture; ``spoken`` is what it shows, for readers who do not see it."""
    wide = figure.get_size_inches()[0] > _WIDE
    return Picture(name, image(figure), image(figure, "svg"), f"{caption} {spoken}", caption, bool(wide))
