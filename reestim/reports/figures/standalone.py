"""What a figure needs to travel alone: in the picture itself stand its title, its scenario, and what it rests on."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from reestim.dims import SCENARIO
from reestim.reports.figures.forest import BANDS, plain
from reestim.reports.section import FigureBlock, Section, suffixes
from reestim.results.effects import described_scenarios
from reestim.results.names import at_the_start
from reestim.runs.record import RunRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from matplotlib.figure import Figure

#: Sections whose figures are about a scenario.
_OF_SCENARIOS = ("welfare", "world", "comparison", "transition", "uncertainty", "information")
_TITLE, _NOTE = 9.5, 6.5  # points
#: Letters an inch, at these sizes.
_TITLE_LETTERS, _NOTE_LETTERS = 13.0, 20.5
#: Inches that a line of title and of note needs.
_TITLE_LINE, _NOTE_LINE = 0.165, 0.115
#: Inches around title and note.
_EDGE = 0.1
#: Inches between a legend and the axes.
_GAP = 0.05


def state_in_pictures(post: xr.DataTree, sections: Sequence[Section]) -> None:
    """Write title and note into every figure of the sections."""
    basis, scenarios = _basis(RunRecord.of(post)), _scenarios(post)
    endings = suffixes(list(scenarios))
    for section in sections:
        for block in section.blocks:
            if isinstance(block, FigureBlock):
                own = [n for n, end in endings.items() if end and block.name.endswith(end)]
                one = own or (list(scenarios) if len(scenarios) == 1 and section.id in _OF_SCENARIOS else [])
                bands = f"{at_the_start(BANDS)}. " if BANDS in block.caption else ""
                note = "".join(scenarios[n] for n in one)
                write(block.figure, title_of(block.caption), note, f"{bands}{basis}", grows=not block.slide)


def title_of(caption: str) -> str:
    """What a caption begins with: the quantity and its unit."""
    return re.split(r"[;:.](?:\s|$)", caption, maxsplit=1)[0]


def write(figure: Figure, title: str, scenario: str, note: str, *, grows: bool = True) -> None:
    """Title and scenario above a figure, the note below; the figure ``grows`` by what they need, or its axes shrink."""
    width, height = map(float, figure.get_size_inches())

    def lines(text: str, letters: float) -> list[str]:
        return textwrap.wrap(plain(text), int(width * letters))

    above, below = lines(title, _TITLE_LETTERS) + lines(scenario, _TITLE_LETTERS), lines(note, _NOTE_LETTERS)
    top, bottom = len(above) * _TITLE_LINE + _EDGE, len(below) * _NOTE_LINE + _EDGE
    whole = height + top + bottom if grows else height
    height = whole - top - bottom
    figure.set_size_inches(width, whole)
    figure.text(0.01, 1 - _EDGE / 2 / whole, "\n".join(above), ha="left", va="top", fontsize=_TITLE)
    figure.text(0.01, _EDGE / 2 / whole, "\n".join(below), ha="left", va="bottom", fontsize=_NOTE, color="#4A4A4A")
    figure.draw_without_rendering()  # or the legend has no height yet
    key = max((legend.get_window_extent().height / figure.dpi for legend in figure.legends), default=0.0)
    for legend in figure.legends:  # a figure's legend stands above its axes, now below the title
        legend.set_in_layout(False)
        legend.set_bbox_to_anchor((0.0, bottom / whole, 1.0, height / whole), figure.transFigure)
    if (layout := figure.get_layout_engine()) is not None:
        layout.set(rect=(0.0, bottom / whole, 1.0, (height - key - (_GAP if key else 0)) / whole))  # pyright: ignore[reportCallIssue]


def _scenarios(post: xr.DataTree) -> dict[str, str]:
    """Words for each scenario of a run."""
    if "counterfactual" not in post.children:
        return {}
    ds = post["counterfactual"].to_dataset()
    about = described_scenarios(ds)
    return {str(name): str(about.get(str(name), {}).get("description") or name) for name in ds[SCENARIO].values}


def _basis(record: RunRecord) -> str:
    """The dataset, its base year, what is simulated, and whether the draws may be used."""
    data, moved = record.provenance, record.transfer
    sentence = f"Data: {data.dataset or 'not named'}"
    if moved:
        sentence += f", draws carried to {moved.dataset}"
    year = moved.base_year if moved else data.base_year
    sentence += f"; world of {year}, money of {year}" if year else ""
    made = ", ".join(data.synthetic or ())
    sentence += f"; SIMULATED, not observed: {made}." if made else "; nothing simulated."
    sentence += "" if record.gates_passed() else " The sampler did NOT converge."
    return sentence + (" QUICK smoke run: not for use." if record.quick else "")
