"""``python -m replications``: what is missing is left out and said, or refused when it was asked for by name."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
import typer.testing

from replications import acemoglu, magnets_2010, policy_papers, prices_2010, ree_shares
from replications.__main__ import TITLES, Name, main
from replications.tables import Table, number

TABLE = Table(["a", "b"], [["1", "2"]], ["A note."])


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> typer.testing.CliRunner:
    for made in (acemoglu, prices_2010, ree_shares, magnets_2010):
        monkeypatch.setattr(made, "table", lambda: TABLE)
    monkeypatch.setattr(policy_papers, "table", lambda _: TABLE)
    return typer.testing.CliRunner()


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    made.command()(main)
    return made


def test_all_that_can_be_made(run: typer.testing.CliRunner, app: typer.Typer, tmp_path: Path) -> None:
    done = run.invoke(app, ["--data", str(tmp_path)])
    assert done.exit_code == 0
    names = (Name.acemoglu, Name.prices, Name.shares, Name.policy_papers, Name.magnets)
    titles = [TITLES[name] for name in names]
    assert done.stdout == "".join(f"## {t}\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\nA note.\n\n" for t in titles)
    for name in ("nafta", "gains", "tfp", "findings", "events", "forecast"):
        assert f"{name} left out" in done.stderr


def test_what_was_named_must_be_there(run: typer.testing.CliRunner, app: typer.Typer, tmp_path: Path) -> None:
    for words in (["nafta"], ["gains"], ["tfp"], ["findings"], ["forecast"], ["findings", "--run", str(tmp_path)]):
        done = run.invoke(app, [*words, "--data", str(tmp_path)])
        assert done.exit_code == 1, words
        assert done.stdout == ""
        assert "Traceback" not in done.stderr


def test_a_table_takes_its_place_on_a_page(run: typer.testing.CliRunner, app: typer.Typer, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- table: acemoglu -->\nold\n<!-- end of table -->\nafter\n", encoding="utf-8")
    for _ in range(2):
        assert run.invoke(app, ["acemoglu", "--write", str(page)]).exit_code == 0
        text = page.read_text(encoding="utf-8")
        assert text.count("| 1 | 2 |") == 1
        assert "old" not in text
        assert text.startswith("before\n")
        assert text.endswith("<!-- end of table -->\nafter\n")
    page.write_text("no place", encoding="utf-8")
    assert run.invoke(app, ["acemoglu", "--write", str(page)]).exit_code == 1
    assert page.read_text(encoding="utf-8") == "no place"


def test_numbers_have_a_minus_and_no_negative_zero() -> None:
    assert [number(x, 2) for x in (-0.411, -0.001, 0.0, float("nan"))] == ["−0.41", "0.00", "0.00", ""]
