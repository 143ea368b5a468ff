"""Figures travel alone: each says in the picture what it shows, of which scenario, and what it rests on."""

from __future__ import annotations

from pathlib import Path

import pytest
import xarray as xr
from matplotlib.text import Text

import reestim as ree
from reestim.reports.figures.standalone import state_in_pictures, title_of
from reestim.reports.section import FigureBlock
from reestim.reports.sections import all_sections, all_tables, welfare


@pytest.fixture(scope="module")
def blocks(fake_run: xr.DataTree) -> list[FigureBlock]:
    sections = all_sections(fake_run, all_tables(fake_run))
    return [block for section in sections for block in section.blocks if isinstance(block, FigureBlock)]


def words(block: FigureBlock) -> tuple[str, str]:
    """What stands above and below the axes, on one line each."""
    above, below = block.figure.texts[-2:]
    return " ".join(above.get_text().split()), " ".join(below.get_text().split())


def test_every_picture_has_its_title_and_what_it_rests_on(blocks: list[FigureBlock]) -> None:
    assert {"welfare", "welfare_map", "contributions", "exports", "elasticities"} <= {block.name for block in blocks}
    for block in blocks:
        above, below = words(block)
        assert above.startswith(title_of(block.caption)), block.name
        assert "Data: stylised; world of 2008, money of 2008; SIMULATED, not observed: patent_labels.csv" in below
    named = {block.name: words(block) for block in blocks}
    assert named["welfare"][0] == "Change of welfare (real income) by country, per cent a quota"
    assert "50 and 90 % equal-tailed intervals" in named["welfare"][1]
    assert not named["elasticities"][0].endswith("a quota"), "σ is of no scenario"


def test_title_legend_note_and_axes_do_not_overlap(blocks: list[FigureBlock]) -> None:
    for block in blocks:
        figure = block.figure
        figure.draw_without_rendering()
        above, below = (text.get_window_extent() for text in figure.texts[-2:])
        assert above.y1 <= figure.bbox.y1
        assert below.y0 >= 0
        for part in [*figure.legends, *(axes for axes in figure.axes if axes.get_visible())]:
            box = part.get_tightbbox() if not isinstance(part, Text) else part.get_window_extent()
            assert box is None or box.y1 <= above.y0 + 1, block.name
            assert box is None or box.y0 >= below.y1 - 1, block.name
        for legend in figure.legends:
            for axes in figure.axes:
                assert legend.get_window_extent().y0 >= axes.get_window_extent().y1 - 1, block.name


def of_welfare(tree: xr.DataTree) -> list[FigureBlock]:
    """The figures of one section."""
    section = welfare.section(tree, welfare.tables(tree))
    assert section is not None
    state_in_pictures(tree, [section])
    return [block for block in section.blocks if isinstance(block, FigureBlock)]


def test_the_headline_has_the_shape_of_a_slide_and_is_not_on_the_page(fake_run: xr.DataTree, tmp_path: Path) -> None:
    (slide,) = [block for block in of_welfare(fake_run) if block.slide]
    width, height = slide.figure.get_size_inches()
    assert width / height == pytest.approx(16 / 9)
    page = ree.report(fake_run, tmp_path / "report")
    assert 'id="figure-slide"' not in page.read_text()
    assert (page.parent / "figures" / "slide.svg").is_file()


def test_several_scenarios_are_told_apart_in_the_picture(post: xr.DataTree) -> None:
    ds = post["counterfactual"].to_dataset()
    two = xr.concat([ds, ds.assign_coords(scenario=["other"])], "scenario", combine_attrs="override")
    tree = post.copy()
    tree["counterfactual"] = xr.DataTree(two)
    tree = tree.filter(lambda node: node.name not in ("welfare_variance", "prior_counterfactual"))
    tree.attrs = dict(post.attrs)
    found = {block.name: words(block)[0] for block in of_welfare(tree)}
    assert found["welfare-other"].endswith("other")
    assert found["welfare-china-quota-2010"].endswith("a quota")


def test_draws_that_may_not_be_used_say_so(post: xr.DataTree) -> None:
    tree = post.copy()
    ree.RunRecord.of(post).but(quick=True).attached(tree)
    assert all("QUICK smoke run: not for use." in words(block)[1] for block in of_welfare(tree))
