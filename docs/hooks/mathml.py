"""Equations of the pages as MathML, made when the site is built, so that a page needs no script and no network.

The pages write mathematics as GitHub reads it: $`x`$ in a line, a block fenced as ``math`` for an equation of its own,
whose ``\\tag{n}`` becomes the number at its right.
"""

import html
import re

from latex2mathml.converter import convert

_TAG = re.compile(r"\\tag\{(\w+)\}")
_INLINE = re.compile(r"\$<code>(.+?)</code>\$", re.DOTALL)
_DISPLAY = re.compile(r'<pre class="math"><code>(.+?)</code></pre>', re.DOTALL)
#: Functions that latex2mathml writes as identifiers, which browsers set without the space that an operator has.
_FUNCTION = re.compile(r"<mi>(ln|exp)</mi>(?P<bracket>(?:<mrow>)?<mo [^>]*>&#x00028;)?")


def on_page_content(content: str, **_: object) -> str:
    """The page with its formulas as MathML; called by MkDocs for every page."""
    return _INLINE.sub(_inline, _DISPLAY.sub(_display, content))


def _inline(match: re.Match[str]) -> str:
    return _mathml(match[1], "inline")


def _display(match: re.Match[str]) -> str:
    number = "".join(f'<a class="number" href="#equation-{n}">({n})</a>' for n in _TAG.findall(match[1]))
    return f'<div class="equation">{_mathml(_TAG.sub("", match[1]), "block")}{number}</div>'


def _mathml(latex: str, display: str) -> str:
    return _FUNCTION.sub(_spaced, convert(html.unescape(latex), display=display))


def _spaced(match: re.Match[str]) -> str:
    after = "0" if match["bracket"] else "0.17em"
    return f'<mo form="prefix" lspace="0.17em" rspace="{after}">{match[1]}</mo>{match["bracket"] or ""}'
