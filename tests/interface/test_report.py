"""The report: what it must contain, and what it must never say."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import reestim as ree
from reestim.checks.prior_sensitivity import prior_posterior_table
from reestim.io.json_text import json_text
from reestim.reports import latex
from reestim.reports.html import subtitle_of, title_of
from reestim.results import findings, tables
from reestim.runs.record import RunRecord

PNG = b"\x89PNG\r\n\x1a\n"


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def written(fake_run: xr.DataTree, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ree.report(fake_run, tmp_path_factory.mktemp("runs") / "report")


@pytest.fixture(scope="module")
def page(written: Path) -> Page:
    return Page(written.read_text(encoding="utf-8"))


def test_files(written: Path) -> None:
    folder = written.parent
    names = ("elasticities", "welfare", "welfare_map", "welfare_parts", "contributions", "exports", "ranks", "solver")
    expected = {f"{name}.{kind}" for name in (*names, "slide") for kind in ("png", "svg")}
    assert {p.name for p in (folder / "figures").iterdir()} == expected
    assert all(p.read_bytes().startswith(PNG) for p in folder.glob("figures/*.png"))
    assert all(ElementTree.parse(p).getroot().tag.endswith("svg") for p in folder.glob("figures/*.svg"))
    answers = ("elasticities", "parameters", "welfare", "welfare_parts", "world", "mitigation", "exports", "evppi")
    names = (*answers, "solver", "gates", "inputs", "prior_posterior", "convergence")
    assert {p.name for p in (folder / "tables").iterdir()} == {f"{n}.{kind}" for n in names for kind in ("csv", "tex")}


def test_tables_in_latex_are_those_of_the_page(written: Path) -> None:
    text = (written.parent / "tables" / "welfare.tex").read_text(encoding="utf-8")
    for part in (
        r"\toprule",
        r"\midrule",
        r"\bottomrule",
        r"\label{tab:welfare}",
        r"R\&D \textless{}b\textgreater{}land",
    ):
        assert part in text
    assert text.count(r" \\" + "\n") == 4, "a head and three countries"
    assert r"million US\$ of 2008 {[}" in text
    assert r"\% {[}" in text
    assert not re.search(r"(?<!\\)[&%#_](?![\s])", text.split(r"\toprule")[1].replace("% needs", ""))
    assert r"$\sigma$, posterior" in (written.parent / "tables" / "elasticities.tex").read_text(encoding="utf-8")


def test_latex_is_told_every_sign_that_it_does_not_know(written: Path) -> None:
    for table in (written.parent / "tables").glob("*.tex"):
        unknown = {c for c in table.read_text(encoding="utf-8") if ord(c) > 0x17F}  # beyond the letters of Europe
        assert not unknown, f"{table.name}: {unknown}"
    assert latex.escaped("φ·pΠ ± ω") == r"$\phi$$\cdot$p$\Pi$ $\pm$ $\omega$"


def test_the_page_stands_alone_and_every_picture_has_words(page: Page) -> None:
    pictures = page.all("img")
    assert len(pictures) == 8
    for picture in pictures:
        src, alt = picture["src"] or "", picture["alt"] or ""
        drawing = ElementTree.fromstring(base64.b64decode(src.removeprefix("data:image/svg+xml;base64,")))
        assert drawing.tag.endswith("svg")
        assert len(alt) > 60
    assert not page.all("script")
    assert all((link["href"] or "").startswith("data:") for link in page.all("link"))
    assert all((a["href"] or "").startswith("#") for a in page.all("a"))
    targets = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    assert {a["href"] for a in page.all("a")} <= {f"#{t}" for t in targets}


def test_labels_are_escaped(page: Page, written: Path) -> None:
    assert "R&D <b>land</b>" in page.words
    assert not page.all("b")
    assert "<b>land" not in written.read_text(encoding="utf-8")


def test_a_script_in_a_country_name_is_text_and_nothing_else(post: xr.DataTree, tmp_path: Path) -> None:
    evil = "</style><script>alert(1)</script>"
    for group in ("counterfactual", "economy"):
        ds = post[group].to_dataset()
        for dim in {"country", "importer", "exporter"} & set(map(str, ds.dims)):
            ds = ds.assign_coords({dim: [evil if name == "JPN" else name for name in ds[dim].values.tolist()]})
        post[group] = xr.DataTree(ds)
    spec = {"name": evil, "description": evil, "text": evil, "hash": evil}
    RunRecord.of(post).updated({"spec": spec, "command": f"reestim run {evil}"}).attached(post)
    written = ree.report(post, tmp_path / "r")
    text = written.read_text(encoding="utf-8")
    page = Page(text)
    assert "<script" not in text
    assert not page.all("script")
    assert len(page.all("style")) == 1
    assert f"{evil} loses" in " ".join(page.words.split()), "it is there, as words"
    (policy,) = [m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'", "and would not run if it were"
    for figure in (written.parent / "figures").glob("*.svg"):
        assert not [node for node in ElementTree.parse(figure).iter() if node.tag.endswith("script")], figure.name


def test_the_page_says_what_a_reader_must_know(page: Page) -> None:
    words = " ".join(page.words.split())
    assert "90 % equal-tailed" in words
    assert "Synthetic inputs" in words
    assert "patent_labels.csv" in words
    assert "divergences: passed" in words
    assert "79 of 80 draws solved" in words
    assert "reestim run" in words
    assert "QUICK" not in words
    assert "Japan loses" in words


def test_the_summary_names_countries_and_money_with_at_most_three_numbers(page: Page, written: Path) -> None:
    text = written.read_text(encoding="utf-8")
    (summary,) = re.findall(r'<div class="summary">(.*?)</div>', text, flags=re.DOTALL)
    sentences = re.findall(r"<p>(.*?)</p>", summary, flags=re.DOTALL)
    losses = [one for one in sentences if re.search(r" (loses|gains) ", one)]
    assert any("Japan loses" in one for one in losses)
    assert any(one.startswith("China") for one in losses), "who restricts is there too"
    for one in losses:
        assert re.search(r"million US\$( of \d{4})? a year \[[\d.,e-]+, [\d.,e-]+\]", one), one
        assert "JPN" not in one
    assert any("directed technology takes away" in one for one in sentences)


def test_the_title_is_that_of_the_scenario_and_the_subtitle_says_study_and_economy(fake_run: xr.DataTree) -> None:
    record = RunRecord.of(fake_run)
    record = record.but(spec=record.spec.model_copy(update={"description": "Joint model; the quota of 2010"}))
    post = fake_run.copy()
    (name,) = post["counterfactual"].scenario.values.tolist()
    about = json_text({name: {"description": "China halves its exports in April 2025"}})
    post["counterfactual"].attrs["scenarios"] = about
    assert title_of(post, record) == "China halves its exports in April 2025"
    own = subtitle_of(post, record.but(command="reestim run"))
    other = subtitle_of(post, record.but(command="reestim run\nreestim counterfactual first april-2025.toml"))
    for words in (own, other):
        assert words.startswith(f"Study {record.spec.name}; economy a world of three, the world of 2008.")
    assert "Joint model; the quota of 2010." in own
    assert "2010" not in other
    del post["counterfactual"]
    assert title_of(post, record) == record.spec.name


def test_every_finding_of_a_check_stands_on_its_card_the_worst_first(page: Page, fake_run: xr.DataTree) -> None:
    words = re.sub(r"\s+", " ", page.words)
    checks = [check for check in ree.check_run(fake_run) if check.name not in ("sampler", "solver")]
    for check in checks:
        places = [words.index(re.sub(r"\s+", " ", sentence)) for sentence in check.sentences]
        assert places == sorted(places), check.name
    kinds = ["FAILED", "to know", "passed"]
    shown = [(words.index(f"{c.name}: {kind}"), kind) for c in checks for kind in kinds if f"{c.name}: {kind}" in words]
    assert len(shown) == len(checks)
    assert [kind for _, kind in sorted(shown)] == sorted((kind for _, kind in shown), key=kinds.index)


def test_no_number_is_a_false_zero(page: Page) -> None:
    assert not re.search(r"-?0\.0+ \[-?0\.0+, -?0\.0+\]", page.words)


@pytest.mark.usefixtures("undrawn")
def test_quick_failed_gates_and_nothing_synthetic(post: xr.DataTree, tmp_path: Path) -> None:
    rows = [{"gate": "divergences", "value": 12, "threshold": 0, "passed": False}]
    changes = {"gates": {"passed": False, "gates": rows}, "provenance": {"dataset": "real", "synthetic": []}}
    RunRecord.of(post).updated({"quick": True, **changes}).attached(post)
    page = Page(ree.report(post, tmp_path / "r").read_text(encoding="utf-8"))
    assert "QUICK smoke run" in page.words
    assert "divergences: FAILED" in page.words
    assert "These draws are not a posterior" in page.words
    assert "no finding is stated" in page.words
    assert "Japan loses" not in page.words
    assert "mean σ < 1" not in page.words, "nor are the claims of the paper"
    assert findings.notes_of(post)[0] == findings.NO_FINDING
    assert "Synthetic" not in page.words


@pytest.mark.usefixtures("undrawn")
def test_a_fit_without_counterfactual_has_a_report_too(post: xr.DataTree, tmp_path: Path) -> None:
    only = xr.DataTree.from_dict({"posterior": post["posterior"].to_dataset()})
    written = ree.report(only, tmp_path / "r")
    page = Page(written.read_text(encoding="utf-8"))
    assert len(page.all("img")) == 2
    assert "machinery" in page.words


@pytest.mark.usefixtures("undrawn")
def test_a_run_made_from_python_still_says_what_is_synthetic(post: xr.DataTree, tmp_path: Path) -> None:
    del post.attrs["run"]
    post["economy"].attrs |= {"name": "stylised", "synthetic": "simulated files: outcomes.csv, patent_labels.csv"}
    page = Page(ree.report(post, tmp_path / "r").read_text(encoding="utf-8"))
    assert "Synthetic inputs" in page.words
    assert "outcomes.csv" in page.words
    assert "made from Python" in page.words


@pytest.mark.usefixtures("undrawn")
def test_several_scenarios_each_have_their_figures(post: xr.DataTree, tmp_path: Path) -> None:
    ds = post["counterfactual"].to_dataset()
    two = xr.concat([ds, ds.assign_coords(scenario=["ban <heavy>"])], "scenario")
    post["counterfactual"] = xr.DataTree(two)
    written = ree.report(post, tmp_path / "r")
    names = {p.stem for p in (written.parent / "figures").iterdir()}
    assert {"welfare-china-quota-2010", "welfare-ban-heavy", "exports-ban-heavy"} <= names
    assert len(Page(written.read_text(encoding="utf-8")).all("img")) == 14


def test_welfare_table_is_the_draws(post: xr.DataTree) -> None:
    table = tables.welfare(post).set_index(["country", "technology"])
    draws = post["counterfactual"]["welfare"].isel(scenario=0).sel(country="JPN")
    fixed, directed = draws.sel(technology="fixed"), draws.sel(technology="directed")
    row = table.loc[("JPN", "fixed")]
    percent_of = 100 * np.expm1(fixed)
    assert row["median_percent"] == pytest.approx(float(percent_of.median()))
    assert row["low_percent"] == pytest.approx(float(percent_of.quantile(0.05)))
    income = float(np.asarray(ree.Economy(post["economy"].to_dataset()).baseline.income)[1])
    assert row["median_money"] == pytest.approx(float(np.expm1(fixed).median()) * income)
    assert row["money_unit"] == "million US$ of 2008"
    assert row["probability_loss"] == pytest.approx(float((fixed < 0).mean()))
    both = 100 * (np.expm1(directed) - np.expm1(fixed)).to_numpy().ravel()
    row = table.loc[("JPN", "contribution")]
    assert row["solved"] == 79
    assert row["median_percent"] == pytest.approx(np.nanmedian(both)), "draw by draw, not a difference of medians"


def test_exports_are_summed_over_the_countries_that_do_not_restrict(post: xr.DataTree) -> None:
    table = tables.exports(post)
    assert set(table["sector"]) == {"machinery", "electronics"}, "neither elements nor sectors without rare earths"
    economy = ree.Economy(post["economy"].to_dataset()).baseline
    s = 1
    flows = np.asarray(economy.trade_share * economy.expenditure[:, None, :] / (1 + economy.tariff))[:, :, s]
    weight = flows.sum(0) - np.diag(flows)
    change = post["counterfactual"]["exports"].isel(scenario=0, technology=0, sector=s).to_numpy()
    joint = (np.exp(change[..., 1:]) * weight[1:]).sum(-1) / weight[1:].sum() - 1
    row = table.loc[(table["sector"] == "machinery") & (table["technology"] == "fixed")].iloc[0]
    assert row["median_percent"] == pytest.approx(100 * np.median(joint), rel=1e-6)


def test_elasticities_beside_their_prior(post: xr.DataTree) -> None:
    table = tables.elasticities(post).set_index("sector")
    sigma = post["posterior"]["sigma"].sel(sector="machinery")
    assert table.loc["machinery", "probability_complements"] == pytest.approx(float((sigma < 1).mean()))
    assert table.loc["machinery", "prior_high"] > table.loc["machinery", "high"]
    against = prior_posterior_table(post).set_index("parameter")
    assert 0 < against.loc["sigma[machinery]", "width_ratio"] < 1
    shared = tables.parameters(post)
    assert list(shared["parameter"]) == ["kappa", "spillover", "spillover_gap"]


def test_csv_keeps_full_precision(written: Path, fake_run: xr.DataTree) -> None:
    back = pd.read_csv(written.parent / "tables" / "welfare.csv")
    assert back["median_percent"].tolist() == tables.welfare(fake_run)["median_percent"].tolist()
