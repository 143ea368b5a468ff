"""`reestim optimise`: decision files that ship, all that is wrong with one, and a decision from a run to its text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import xarray as xr

import reestim as ree
from reestim.decisions.decision_file import read_decision
from tests.conftest import PROJECT
from tests.interface.faked_run import Run

FILES = sorted((PROJECT / "models" / "decisions").glob("*.toml"))
TARIFF = """
name = "answer"
technology = "fixed"
draws = 4
[objective]
countries = ["JPN"]
[[tariff]]
name = "tariff"
importer = "JPN"
exporter = "CHN"
low = 0.0
high = 0.5
"""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_those_that_ship_fit_the_bundled_economy(path: Path) -> None:
    decision = read_decision(path)
    economy = ree.Economy.from_dataset(ree.load_dataset("rare-earths-2010"))
    assert decision.name == path.stem
    objectives = [decision.objective] if decision.objective else [player.objective for player in decision.players]
    assert all(one.members(economy).sum() > 0 for one in objectives)
    for one in decision.instruments or [one for player in decision.players for one in player.instruments]:
        ree.Scenario(policies=(one.at(one.high),)).to_arrays(economy)


def test_a_file_is_the_decision_it_says(tmp_path: Path) -> None:
    (tmp_path / "quota.toml").write_text(
        'name = "quota"\n[[export_quota]]\nexporter = "CHN"\nelements = "all"\nquantity_change = 0.5\n'
    )
    text = TARIFF.replace("[objective]", 'scenario = "quota.toml"\n[objective]\ntail = 0.05\nbudget = 10')
    (tmp_path / "answer.toml").write_text(text + "cost = 3\n")
    found = read_decision(tmp_path / "answer.toml")
    assert found.objective == ree.Objective(("JPN",), tail=0.05, budget=10.0)
    tariff = ree.Tariff(0.5, importer="JPN", exporter="CHN")
    assert found.instruments == [ree.Instrument("tariff", tariff, 0.0, 0.5, cost=3.0)]
    assert found.scenario is not None
    assert found.scenario.policies == (ree.ExportQuota("CHN", "all", 0.5),)
    assert (found.technology, found.draws) == ("fixed", 4)


def test_everything_wrong_is_listed_with_its_line(cli: Run, post: xr.DataTree, tmp_path: Path) -> None:
    run = ree.save(post, tmp_path / "run")
    wrong = TARIFF.replace('technology = "fixed"', 'technology = "fixde"').replace("low = 0.0", 'low = "none"')
    wrong += "rate = 0.1\n[[recycling]]\nname = 'scrap'\nlow = 0.0\nhigh = 0.2\n"
    file = tmp_path / "wrong.toml"
    file.write_text(wrong)
    done = cli("optimise", str(run), str(file))
    assert done.exit_code == 1
    for words in ("'fixed'", "this is what is chosen", "this is not a number", "nothing is free", "wrong.toml"):
        assert words in done.output
    file.write_text(TARIFF[: TARIFF.index("[[tariff]]")])
    done = cli("optimise", str(run), str(file))
    assert done.exit_code == 1
    assert "there is nothing to choose" in done.output


GAME = """
name = "answers"
technology = "fixed"
draws = 4
damping = 0.5
[[player]]
name = "east"
countries = "CHN"
[[player.tariff]]
name = "theirs"
importer = "CHN"
exporter = "JPN"
low = 0.0
high = 0.5
[[player]]
name = "west"
countries = ["JPN"]
tail = 0.5
[[player.tariff]]
name = "ours"
importer = "JPN"
exporter = "CHN"
low = 0.0
high = 0.5
"""


def test_players_of_a_file_have_their_own_instruments(tmp_path: Path) -> None:
    file = tmp_path / "game.toml"
    file.write_text(GAME)
    found = read_decision(file)
    assert [(one.name, one.objective) for one in found.players] == [
        ("east", ree.Objective("CHN")),
        ("west", ree.Objective(("JPN",), tail=0.5)),
    ]
    assert [one.name for player in found.players for one in player.instruments] == ["theirs", "ours"]
    assert (found.damping, found.objective, found.instruments) == (0.5, None, [])
    second = GAME.index("[[player]]", GAME.index("[[player]]") + 1)
    file.write_text(GAME[:second].replace("low = 0.0", "low = 0.9") + TARIFF[TARIFF.index("[objective]") :])
    with pytest.raises(ree.InputError, match="nothing to choose"):
        read_decision(file)
    file.write_text(GAME[:second] + TARIFF[TARIFF.index("[objective]") :])
    with pytest.raises(ree.InputError) as wrong:
        read_decision(file)
    words = str(wrong.value)
    assert "of their own" in words
    assert "nobody to answer" in words


@pytest.mark.slow  # compiles the slopes of an economy of its own
def test_players_from_a_run_to_their_text(cli: Run, post: xr.DataTree, tmp_path: Path) -> None:
    run = ree.save(post, tmp_path / "run")
    file = tmp_path / "game.toml"
    file.write_text(GAME.replace("damping = 0.5", "damping = 1.0"))
    done = cli("optimise", str(run), str(file))
    assert done.exit_code == 0, done.output
    assert done.output.startswith("Best responses to one another")
    told = json.loads(cli("optimise", str(run), str(file), "--json").output)
    assert set(told["choice"]) == {"theirs", "ours"}
    assert told["chosen_by"] == {"theirs": "east", "ours": "west"}
    assert told["converged"] == 1


@pytest.mark.slow  # compiles the slopes of an economy of its own
def test_from_a_run_to_its_text(cli: Run, post: xr.DataTree, tmp_path: Path) -> None:
    run = ree.save(post, tmp_path / "run")
    file = tmp_path / "answer.toml"
    file.write_text(TARIFF)
    done = cli("optimise", str(run), str(file))
    assert done.exit_code == 0
    assert done.output.startswith("Largest equivalent variation of JPN")
    told = json.loads(cli("optimise", str(run), str(file), "--json").output)
    assert 0 <= told["optimum"]["tariff"] <= 0.5
    assert told["rules"]["optimum"] >= max(told["rules"][name] for name in ("tariff 0", "tariff 0.5"))
