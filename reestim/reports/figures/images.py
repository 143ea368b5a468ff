"""A figure of matplotlib as bytes of a file, the same bytes each time."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 200


def image(figure: Figure, kind: str = "png") -> bytes:
    """``figure`` as PNG or SVG, without a date or the name of a program in it. Letters of an SVG are outlines, so that
    they look the same where the font is missing. The layout of the first picture is kept for the next."""
    from matplotlib import rc_context

    nameless = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}[kind]
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "reestim", "svg.fonttype": "path"}):
        figure.savefig(buffer, format=kind, dpi=DPI, metadata=nameless)
    figure.set_layout_engine("none")
    return buffer.getvalue()


def write_figure(figure: Figure, folder: Path, name: str) -> list[Path]:
    """``folder/name.png`` and ``folder/name.svg``; the paths."""
    paths = []
    for kind in ("png", "svg"):
        path = folder / f"{name}.{kind}"
        path.write_bytes(image(figure, kind))
        paths.append(path)
    return paths
