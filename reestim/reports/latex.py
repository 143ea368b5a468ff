"""A table of ready text in LaTeX: booktabs rules, everything escaped."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

#: Rows beyond which a table may break over pages.
_ONE_PAGE = 40
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "[": "{[}",
    "]": "{]}",  # after a line break LaTeX would read a bracket as a length
    "−": "$-$",
    "±": r"$\pm$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "×": r"$\times$",
    "→": r"$\rightarrow$",
    "·": r"$\cdot$",
    "²": "$^2$",
    "Δ": r"$\Delta$",
    "Π": r"$\Pi$",
    "Σ": r"$\Sigma$",
    "Ω": r"$\Omega$",
    "Θ": r"$\Theta$",
    "Φ": r"$\Phi$",
    "ε": r"$\varepsilon$",
    "λ": r"$\lambda$",
}
_GREEK = {letter: f"$\\{unicodedata.name(letter).split()[-1].lower()}$" for letter in "αβγδζηθικμνξπρστυφχψω"}
_TABLE = str.maketrans(_SPECIAL | _GREEK)


def escaped(text: object) -> str:
    """Text that LaTeX prints as it is; Greek letters and signs in mathematics, lines of a cell above one another."""
    lines = [line.translate(_TABLE) for line in str(text).split("\n")]
    return lines[0] if len(lines) == 1 else r"\shortstack[l]{" + r" \\ ".join(lines) + "}"


def latex(name: str, caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""A ``table`` with the label ``tab:name``, for ``\usepackage{booktabs}``; a long one is a
    ``longtable`` and needs that package too."""
    import pandas as pd

    style: Any = pd.DataFrame([list(row) for row in rows], columns=list(heads)).style.hide(axis="index")
    long = len(rows) > _ONE_PAGE
    body = (
        style.format(escaped)
        .format_index(escaped, axis="columns")
        .to_latex(
            hrules=True,
            column_format="l" * len(heads),
            caption=escaped(caption),
            label=f"tab:{name}",
            environment="longtable" if long else None,
            position=None if long else "htbp",
            position_float=None if long else "centering",
        )
    )
    packages = "booktabs, longtable" if long else "booktabs"
    return f"% needs \\usepackage{{{packages}}}; made by REEstim, do not edit\n{body}"


def latex_of(name: str, table: pd.DataFrame) -> str:
    """A tidy table in LaTeX, four significant digits."""
    rows = [[f"{v:.4g}" if isinstance(v, float) else str(v) for v in row] for row in table.itertuples(index=False)]
    heads = [str(head) for head in table.columns]
    return latex(name, name.replace("_", " "), heads, rows)
