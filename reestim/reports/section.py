"""Blocks of the report: figures, tables, headings and sentences, and the sections that hold them, one file each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
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
class FigureBlock:
    """A figure: file name without suffix, text for readers who cannot see it (``alt``), and caption.

    It is drawn when it is asked for, as PNG or SVG, after `reestim.reports.figures.standalone` has written into it what
    it is.
    """

    kind: ClassVar[str] = "figure"
    name: str
    figure: Figure
    alt: str
    caption: str
    slide: bool = False  # a file for presentations, of the size it has; not on the page

    @cached_property
    def png(self) -> bytes:
        """The file, PNG."""
        return image(self.figure)

    @cached_property
    def svg(self) -> bytes:
        """The file, SVG."""
        return image(self.figure, "svg")

    @property
    def wide(self) -> bool:
        """Whether it scrolls sideways on a phone."""
        return bool(self.figure.get_size_inches()[0] > _WIDE)


@dataclass(frozen=True)
class TableBlock:
    """A table of formatted text, first column a label. ``data``: the same in full precision for the CSV file, where no
    tidy table of the run has this name. In a cell, everything after the first line is printed small."""

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
    text: str


@dataclass(frozen=True)
class Notes:
    """Sentences."""

    kind: ClassVar[str] = "notes"
    lines: Sequence[str]


Block = FigureBlock | TableBlock | Heading | Notes


@dataclass(frozen=True)
class Section:
    """A section of the page. ``rests_on``: the files of the dataset behind it, or ``POSTERIOR``; if one of them is
    synthetic, the section says so at its top."""

    id: str
    title: str
    blocks: Sequence[Block]
    rests_on: str | Sequence[str] = ()


def suffixes(scenarios: Sequence[str]) -> dict[str, str]:
    """What the names of each scenario's figures and tables end in; nothing where there is but one scenario."""
    return {name: f"-{slug(name)}" if len(scenarios) > 1 else "" for name in scenarios}


class SectionModule(Protocol):
    """The module of a section (``reestim/reports/sections``)."""

    @staticmethod
    def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
        """Tidy tables that this run can fill, by the name of their file; units in the names of the columns."""
        ...

    @staticmethod
    def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
        """The section with its figures, from the tables of all sections; None where the run has nothing for it."""
        ...


def figure_block(figure: Figure, name: str, caption: str, alt_text: str) -> FigureBlock:
    """A figure as a block of the page; ``alt_text`` says what it shows to readers who cannot see it."""
    return FigureBlock(name, figure, f"{caption} {alt_text}", caption)
