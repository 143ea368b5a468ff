"""The run on one page: its numbers are those of the draws, it is one page, and it never states what may not be said."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.errors import InputError
from reestim.reports import sheet as sheets
from reestim.reports.one_page import PDF, sheet_of
from reestim.reports.section import Notes, TableBlock
from reestim.results.effects import economy_of, income
from reestim.results.findings import NO_FINDING
from reestim.results.format import percent, with_interval
from reestim.results.world import world_table
from reestim.runs.record import RunRecord
from tests.interface.conftest import with_everything
from tests.interface.faked_run import Run
from tests.interface.test_report import Page

OTHER = "ban <heavy>"


@pytest.fixture(scope="module")
def several(fake_run: xr.DataTree) -> xr.DataTree:
    """Two policies, and equilibria of the prior that says something else of the first."""
    post = with_everything(fake_run.copy(deep=True))
    ds = post["counterfactual"].to_dataset()
    ds = ds.assign(unit_cost=0 * ds["output"], ree_technology=0 * ds["output"] + 0.01)  # what the claims need
    post["counterfactual"] = xr.DataTree(ds)
    ds = ds.isel(scenario=[0])
    post["prior_counterfactual"] = xr.DataTree(ds.assign(welfare=-ds["welfare"]))
    return post


@pytest.fixture(scope="module")
def sheet(several: xr.DataTree) -> sheets.Sheet:
    return sheet_of(several)


def table_of(sheet: sheets.Sheet, name: str) -> dict[str, dict[str, str]]:
    """Cells of a table by row and head; heads that come twice have a number."""
    (block,) = [b for b in sheet.blocks if isinstance(b, TableBlock) and b.name == name]
    heads = [f"{head} {block.heads[:i].count(head) + 1}".removesuffix(" 1") for i, head in enumerate(block.heads)]
    return {row[0]: dict(zip(heads, row, strict=True)) for row in block.rows}


def words_of(sheet: sheets.Sheet) -> str:
    """All sentences that are no cells."""
    lines = [line for block in sheet.blocks if isinstance(block, Notes) for line in block.lines]
    return " ".join([sheet.title, sheet.subtitle, *sheet.warnings, *lines, sheet.footer])


def test_the_answer_is_that_of_the_draws_with_p_before_the_data_beside_it(
    several: xr.DataTree, sheet: sheets.Sheet
) -> None:
    answer = table_of(sheet, "answer")
    ds, economy = several["counterfactual"].to_dataset(), economy_of(several)
    draws = np.expm1(ds["welfare"].isel(scenario=0).sel(technology="fixed", country="JPN"))
    money = draws * float(income(economy).sel(country="JPN"))
    low, median, high = (float(money.quantile(q)) for q in (0.05, 0.5, 0.95))
    japan = answer["Japan (JPN)"]
    assert japan["technology as it was"] == with_interval(median, low, high)
    after, before = float((money < 0).mean()), float((money > 0).mean())  # the prior's welfare has the other sign
    assert after != before
    assert japan["P(loss)"] == f"{percent(after)} ({percent(before)})"
    claims = table_of(sheet, "claims")["the restriction costs countries abroad welfare"]
    abroad = answer["All who do not restrict"]["P(loss)"]
    assert f"{claims['P']} ({claims['P before the data']})" == abroad
    table = world_table(several).set_index(["scenario", "whom", "technology"])
    for row, whom in (("The world", "world"), ("All who do not restrict", "abroad")):
        expected = table.loc[("china-quota-2010", whom, "directed")]
        shown = answer[row]["research that follows prices"]
        assert shown == with_interval(expected["median"], expected["low"], expected["high"])
    assert words_of(sheet).count("Who restricts: China.") == 1
    assert "in the answer with technology as it was comes most from" in words_of(sheet), "what carries it"


def test_policies_stand_beside_one_another_draw_by_draw(several: xr.DataTree, sheet: sheets.Sheet) -> None:
    table = ree.compare_policies(several, "china-quota-2010", OTHER).set_index(["whom", "technology"])
    row = table_of(sheet, "policies")["Japan (JPN)"]
    chances = [percent(table.loc[("JPN", t), "probability_better"]) for t in ("fixed", "directed")]
    assert row["P(A better than B)"] == f"{chances[0]} ({chances[1]})"
    assert row["A"] == table_of(sheet, "answer")["Japan (JPN)"]["technology as it was"]
    swapped = sheet_of(several, scenarios=[OTHER, "china-quota-2010"])
    assert table_of(swapped, "policies")["Japan (JPN)"]["A"] == row["B"]
    assert not [b for b in swapped.blocks if isinstance(b, TableBlock) and b.name == "claims"], (
        "asked of the first only"
    )


def test_it_says_what_it_rests_on_what_is_synthetic_and_how_policies_are_added(fake_run: xr.DataTree) -> None:
    sheet = sheet_of(fake_run)
    words = words_of(sheet)
    assert "Synthetic inputs" in words
    assert "patent_labels.csv" in words
    assert "not a finding about the world" in words
    assert "reestim counterfactual RUN" in words
    assert "within a year" in words
    assert "cannot be asked" in words, "the made-up equilibria lack variables of some claims"


def test_what_was_not_solved_is_not_spoken_of(several: xr.DataTree) -> None:
    post = several.copy()
    post["counterfactual"] = xr.DataTree(several["counterfactual"].to_dataset().sel(technology=["fixed"]))
    imputed = [f"file{i}.csv" for i in range(9)]
    made = {"dataset": "stylised", "synthetic": ["patent_labels.csv"], "imputed": imputed}
    RunRecord.of(post).updated({"provenance": made}).attached(post)
    sheet = sheet_of(post)
    assert "directed technology" not in words_of(sheet).replace("with directed technology. Give", "")
    assert "research that follows prices" not in table_of(sheet, "answer")["Japan (JPN)"]
    assert "9 files (the report names them)" in words_of(sheet)
    assert "patent_labels.csv" in words_of(sheet)


def test_where_a_gate_failed_no_number_is_stated(post: xr.DataTree, tmp_path: Path) -> None:
    rows = [{"gate": "divergences", "value": 12, "threshold": 0, "passed": False}]
    RunRecord.of(post).updated({"quick": True, "gates": {"passed": False, "gates": rows}}).attached(post)
    sheet = sheet_of(post)
    assert not [block for block in sheet.blocks if isinstance(block, TableBlock)]
    assert NO_FINDING in words_of(sheet)
    assert sheet.title.startswith("QUICK smoke run")
    text = ree.one_page(post, tmp_path / "page").read_text(encoding="utf-8")
    assert "did not converge" in text
    assert "<table" not in text


def test_the_pdf_is_one_page_of_a4_and_the_html_stands_alone(several: xr.DataTree, tmp_path: Path) -> None:
    page = ree.one_page(several, tmp_path / "page")
    content = page.with_name(PDF).read_bytes()
    assert content.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", content)) == 1
    (box,) = re.findall(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", content)
    assert [float(side) / 72 * 25.4 for side in box] == pytest.approx([210, 297], abs=0.1), "mm"
    text = page.read_text(encoding="utf-8")
    html = Page(text)
    assert "size: A4" in text
    assert not html.all("script")
    assert not re.findall(r"https?://", text)
    assert "<heavy>" in html.words, "labels are escaped"
    assert ree.one_page(several, tmp_path / "page") == page, "a page is replaced"
    assert page.with_name(PDF).read_bytes() == content, "the same run gives the same bytes"


def test_letters_shrink_until_all_fits_and_what_cannot_fit_is_refused() -> None:
    def of(lines: int) -> sheets.Sheet:
        return sheets.Sheet("title", "subtitle", [], [Notes(["word " * 60] * lines)], "footer")

    sizes = [sheets.fitting_scale(of(lines)) for lines in (5, 20, 26)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 1.0
    assert sizes[-1] < 1.0
    with pytest.raises(InputError, match="--country"):
        sheets.fitting_scale(of(60))


def test_no_line_is_wider_than_the_page(sheet: sheets.Sheet) -> None:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    line = sheets.wrapped(sheet.subtitle, sheets.WIDTH - 2 * sheets.MARGIN, 9.0)[0]
    font = FontProperties(family="DejaVu Sans", size=9.0)
    drawn = text_to_path.get_text_width_height_descent(line, font, ismath=False)[0]
    assert drawn <= sheets.WIDTH - 2 * sheets.MARGIN
    assert sheets.width_of(line, 9.0) == pytest.approx(drawn, rel=0.03), "as wide as it is drawn"


def test_everything_that_is_wrong_is_listed(several: xr.DataTree, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        ree.one_page(several, tmp_path / "page", scenarios=["ban"], countries=["JPN", "JPN", "XYZ"])
    assert {problem.value for problem in caught.value.problems} >= {"ban", "XYZ"}
    assert len(caught.value.problems) == 3
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep")
    with pytest.raises(InputError, match="not a page of a run"):
        ree.one_page(several, tmp_path / "mine")


def test_from_the_command_line(fake_run: xr.DataTree, cli: Run, place: Path) -> None:
    ree.save(fake_run, place / "posteriors" / "first")
    done = cli("report", "first", "--one-page", "--country", "JPN")
    assert done.exit_code == 0, done.output
    folder = place / "posteriors" / "first" / "one-page"
    assert {path.name for path in folder.iterdir()} == {"one-page.html", "one-page.pdf"}
    assert "Japan (JPN)" in (folder / "one-page.html").read_text()
    assert "China (CHN)" not in (folder / "one-page.html").read_text()
    done = cli("report", "first", "--country", "JPN")
    assert done.exit_code == 1
    assert "--one-page" in done.stderr
