"""`reestim tfp` on the official accounts of the United States gives the official index."""

from __future__ import annotations

from pathlib import Path

import pytest

from reestim.errors import InputError
from replications import us_tfp
from tests.replication.page import printed


def test_our_step_gives_the_published_index(shared_data: Path) -> None:
    if not (shared_data / us_tfp.FILE).is_file():
        pytest.skip(f"{us_tfp.FILE} is not in ../shared/data")
    gap = us_tfp.compare(shared_data)["gap"].abs()
    assert len(gap) == 63 * 26
    assert gap.median() <= us_tfp.MEDIAN_GAP
    assert gap.quantile(0.99) <= us_tfp.WORST_GAP
    assert us_tfp.table(shared_data).markdown() == printed("tfp")


def test_without_the_accounts_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not here"):
        us_tfp.compare(tmp_path)
