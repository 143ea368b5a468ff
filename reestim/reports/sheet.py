"""A sheet of A4: headings, sentences and tables set in the largest letters with which they fit, as PDF.

matplotlib draws it, so that no browser and no further package is needed. `fitting_scale` is asked before the page in
HTML is written too: both have the same letters in the same size.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from reestim.errors import InputError, Problem
from reestim.reports.section import Heading, Notes, TableBlock

#: A4 and its margin, points.
WIDTH, HEIGHT, MARGIN = 595.28, 841.89, 40.0
#: Points of running text at scale 1, and the smallest that are still read.
BODY, SMALLEST = 9.5, 6.0
LEADING = 1.28
_STEP = 0.97
_GAP = 9.0  # between columns
_TITLE = 1.6  # times the running text
_INK, _RULE, _WARNING = "#1c1c1c", "#bdbdbd", "#a31515"

Block = Heading | Notes | TableBlock


@dataclass(frozen=True)
class Sheet:
    """What stands on the page: title, line below it, warnings, blocks. ``footer`` is its last line."""

    title: str
    subtitle: str
    warnings: Sequence[str]
    blocks: Sequence[Block]
    footer: str


@dataclass(frozen=True)
class _Text:
    """Words at a place: points from the left and the upper margin."""

    x: float
    y: float
    words: str
    size: float
    weight: str = "normal"
    colour: str = _INK


@dataclass(frozen=True)
class _Line:
    """A rule across the page."""

    y: float


_Mark = _Text | _Line


def fitting_scale(sheet: Sheet) -> float:
    """The largest scale of letters with which the sheet is one page.

    Raises InputError where even the smallest letters do not fit.
    """
    scale = 1.0
    while scale * BODY >= SMALLEST:
        if _set(sheet, scale) is not None:
            return scale
        scale *= _STEP
    advice = "Name fewer countries (--country) or fewer scenarios (--scenario); the report has all of them."
    raise InputError(Problem("this does not fit on one page in letters that can be read", advice))


def pdf(sheet: Sheet, scale: float) -> bytes:
    """The sheet as a file of one page, the same bytes each time; its text can be searched and copied."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    marks = _set(sheet, scale)
    assert marks is not None, "fitting_scale gives a scale with which it fits"
    figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72))
    for mark in marks:
        y = 1 - (MARGIN + mark.y) / HEIGHT
        if isinstance(mark, _Line):
            ends = (MARGIN / WIDTH, 1 - MARGIN / WIDTH)
            figure.add_artist(Line2D(ends, (y, y), color=_RULE, linewidth=0.6))
        else:
            x = (MARGIN + mark.x) / WIDTH
            drawn: dict[str, Any] = {"fontsize": mark.size, "fontweight": mark.weight, "color": mark.colour}
            figure.text(x, y, mark.words, va="baseline", parse_math=False, **drawn)
    buffer = io.BytesIO()
    about = {"Title": sheet.title, "Creator": "REEstim", "Producer": None, "CreationDate": None}
    with rc_context({"pdf.fonttype": 42, "font.family": "DejaVu Sans"}):
        figure.savefig(buffer, format="pdf", metadata=about)
    return buffer.getvalue()


def _set(sheet: Sheet, scale: float) -> list[_Mark] | None:
    """Where everything stands; None where it does not fit."""
    size = BODY * scale
    marks: list[_Mark] = []
    y = 0.0
    parts = [(sheet.title, size * _TITLE, "bold", _INK), (sheet.subtitle, size, "normal", _INK)]
    parts += [(words, size, "bold", _WARNING) for words in sheet.warnings]
    for words, letters, weight, colour in parts:
        y = _paragraph(marks, words, y, letters, weight, colour)
    for block in sheet.blocks:
        if isinstance(block, Heading):
            y = _paragraph(marks, block.text, y + 0.5 * size, size * 1.15, "bold")
        elif isinstance(block, Notes):
            for words in block.lines:
                y = _paragraph(marks, words, y, size)
        else:
            below = _table(marks, block, y, size)
            if below is None:
                return None
            y = below
    y = _paragraph(marks, sheet.footer, y + 0.5 * size, 0.85 * size)
    return marks if y <= HEIGHT - 2 * MARGIN else None


def _paragraph(
    marks: list[_Mark], words: str, y: float, size: float, weight: str = "normal", colour: str = _INK
) -> float:
    """Set words below ``y``; the place below them."""
    for line in wrapped(words, WIDTH - 2 * MARGIN, size, weight):
        y += LEADING * size
        marks.append(_Text(0.0, y, line, size, weight, colour))
    return y + 0.25 * size


def _table(marks: list[_Mark], block: TableBlock, y: float, size: float) -> float | None:
    """Set a table below ``y``; the place below it, None where its columns are wider than the page."""
    y = _paragraph(marks, block.caption, y, size)
    columns = list(zip(*block.rows, strict=True))
    widths = [max(width_of(cell, size) for cell in column) + _GAP for column in columns]
    heads = [max(width_of(word, size, "bold") for word in head.split() or [""]) + _GAP for head in block.heads]
    widths = [max(pair) for pair in zip(widths, heads, strict=True)]
    room = WIDTH - 2 * MARGIN - sum(widths[1:])
    widths[0] = min(widths[0], room)
    if widths[0] < max(heads[0], 0.15 * WIDTH) and widths[0] == room:
        return None
    for i, head in enumerate(block.heads):  # room that is left goes to heads that would have several lines
        wanted = width_of(head, size, "bold") + _GAP - widths[i]
        widths[i] += min(max(wanted, 0.0), max(WIDTH - 2 * MARGIN - sum(widths), 0.0))
    for row, weight in ((block.heads, "bold"), *((row, "normal") for row in block.rows)):
        cells = [wrapped(cell, width - _GAP, size, weight) for cell, width in zip(row, widths, strict=True)]
        x = 0.0
        for lines, width in zip(cells, widths, strict=True):
            marks += [_Text(x, y + LEADING * size * (i + 1), line, size, weight) for i, line in enumerate(lines)]
            x += width
        y += LEADING * size * max(map(len, cells)) + 0.2 * size
        if weight == "bold":
            marks.append(_Line(y + 0.1 * size))
            y += 0.2 * size
    return y + 0.3 * size


def wrapped(words: str, width: float, size: float, weight: str = "normal") -> list[str]:
    """Lines of words no wider than ``width`` points; a word that is wider stands alone."""
    return list(_lines(words, width + 1e-6, size, weight))


def _lines(words: str, width: float, size: float, weight: str) -> Iterator[str]:
    space = width_of(" ", size, weight)
    line: list[str] = []
    taken = 0.0
    for word in words.split():
        more = width_of(word, size, weight)
        if line and taken + space + more > width:
            yield " ".join(line)
            line, taken = [], 0.0
        taken += more + (space if line else 0.0)
        line.append(word)
    yield " ".join(line)


def width_of(words: str, size: float, weight: str = "normal") -> float:
    """Points that words take in one line."""
    return _width(words, weight) * size


@cache
def _width(words: str, weight: str) -> float:
    advances = _advances(weight)
    return sum((advances[letter] for letter in words), 0.0)


class _Advances(dict[str, float]):
    """Widths of letters in the size of one point, looked up in the font once a letter; kerning only narrows them."""

    def __init__(self, weight: str) -> None:
        from matplotlib.font_manager import FontProperties, findfont, get_font

        super().__init__()
        self._font = get_font(findfont(FontProperties(family="DejaVu Sans", weight=weight)))

    def __missing__(self, letter: str) -> float:
        from matplotlib.ft2font import LoadFlags

        self._font.set_size(100, 72)
        glyph = self._font.load_char(ord(letter), flags=LoadFlags.NO_HINTING)
        self[letter] = glyph.linearHoriAdvance / 65536 / 100
        return self[letter]


@cache
def _advances(weight: str) -> _Advances:
    return _Advances(weight)
