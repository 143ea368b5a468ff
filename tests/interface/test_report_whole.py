"""A report is whole or absent, and replaces nothing else."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

import reestim as ree
from reestim.errors import InputError


@pytest.mark.usefixtures("undrawn")
def test_a_report_is_whole_or_absent(post: xr.DataTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ree.report(post, tmp_path / "r")
    before = first.read_text(encoding="utf-8")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pd.DataFrame, "to_csv", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ree.report(post, tmp_path / "r")
    assert ([p.name for p in tmp_path.iterdir()], first.read_text(encoding="utf-8")) == (["r"], before)


@pytest.mark.usefixtures("undrawn")
def test_what_is_no_report_is_not_replaced(post: xr.DataTree, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not a report"):
        ree.report(post, tmp_path)
    with pytest.raises(InputError, match="no group 'posterior'"):
        ree.report(xr.DataTree(), tmp_path / "r")
