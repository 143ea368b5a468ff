"""The TOML files: what is read, and what is said about files that are wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

import reestim as ree
from reestim.errors import InputError, Problem
from reestim.study.spec import Prior, Spec, read_scenario, read_spec

QUOTA = """
name = "quota"
[[export_quota]]
exporter = "CHN"
quota_tonnes = 30258
baseline_tonnes = 56939
"""

SPEC = """
name = "study"
model = "model.py"
dataset = "simulated-2010"

[priors.kappa]
distribution = "LogNormal"
mu = 0.0
sigma = 0.5
source = "lab-equipment model: kappa = 1"

[priors.confusion]
distribution = "Dirichlet"
a = [1, 2, 3]
diagonal = 5

[counterfactual]
scenarios = ["quota.toml"]
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "model.py").write_text("def build(data, priors): ...\n")
    (tmp_path / "quota.toml").write_text(QUOTA)
    path = tmp_path / "study.toml"
    path.write_text(SPEC)
    return path


def problems_of(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        read_spec(path)
    return caught.value.problems


def said(problems: tuple[Problem, ...], column: str) -> str:
    return " | ".join(str(p) for p in problems if p.column == column)


def test_a_sound_study_is_read(study: Path) -> None:
    spec = read_spec(study)
    assert spec.path == study
    assert spec.priors["kappa"].parameters == {"mu": 0.0, "sigma": 0.5}
    assert spec.priors["confusion"].parameters == {"a": [1, 2, 3], "diagonal": 5}
    assert spec.scenario_paths == (study.parent / "quota.toml",)
    assert spec.counterfactual.technology == ["fixed", "directed"]


def test_a_transition_in_a_study_has_its_years(study: Path) -> None:
    asked = '["quota.toml"]\ntechnology = ["directed", "transition"]\n'
    study.write_text(SPEC.replace('["quota.toml"]', f"{asked}from_year = 2009\nto_year = 2012"))
    assert list(read_spec(study).counterfactual.years or ()) == [2009, 2010, 2011, 2012]
    for wrong, words in (
        (f"{asked}from_year = 2009", "from_year and to_year"),
        (f"{asked}from_year = 2013\nto_year = 2012", "not after the last"),
        ('["quota.toml"]\nto_year = 2012', 'add "transition"'),
        ('["quota.toml"]\ntechnology = ["transition"]\nfrom_year = 2009\nto_year = 2012', "beside it"),
    ):
        study.write_text(SPEC.replace('["quota.toml"]', wrong))
        assert words in said(problems_of(study), "counterfactual")


def test_quick_is_a_smaller_labelled_copy(study: Path) -> None:
    spec = read_spec(study)
    quick = spec.quick()
    assert quick.is_quick
    assert not spec.is_quick
    assert quick.sampler.draws * quick.sampler.chains < spec.sampler.draws * spec.sampler.chains
    assert quick.counterfactual.draws is not None
    assert quick.path == study
    assert quick.hash != spec.hash


def test_comments_do_not_change_the_hash_and_a_prior_does(study: Path) -> None:
    before = read_spec(study).hash
    study.write_text("# a remark\n" + SPEC)
    assert read_spec(study).hash == before
    study.write_text(SPEC.replace("sigma = 0.5", "sigma = 0.6"))
    assert read_spec(study).hash != before


def test_all_problems_are_listed_together_with_line_key_value_and_advice(study: Path) -> None:
    broken = (
        SPEC.replace("dataset =", "datset =")
        .replace("sigma = 0.5", "sigma = -0.5")
        .replace('"Dirichlet"', '"Dirichelt"')
        .replace('"model.py"', '"../model.py"')
        .replace('["quota.toml"]', '["quota.toml", "qota.toml"]\ntechnology = ["directd"]')
    )
    study.write_text(broken + '[sampler]\ndraws = "many"\ntarget_acept = 0.9\n')
    problems = problems_of(study)
    assert all(str(study) == p.file for p in problems)
    assert "Did you mean 'dataset'?" in said(problems, "datset")
    assert "missing" in said(problems, "dataset")
    sigma = next(p for p in problems if p.column == "priors.kappa.sigma")
    assert sigma.value == -0.5
    assert sigma.row is not None
    assert broken.splitlines()[sigma.row - 1] == "sigma = -0.5"
    assert "above 0" in sigma.advice
    assert "Did you mean 'Dirichlet'?" in said(problems, "priors.confusion.distribution")
    assert "leaves the folder" in said(problems, "model")
    assert "Did you mean 'quota.toml'?" in said(problems, "counterfactual.scenarios.2")
    assert "Did you mean 'directed'?" in said(problems, "counterfactual.technology.1")
    assert "integer" in said(problems, "sampler.draws")
    assert "Did you mean 'target_accept'?" in said(problems, "sampler.target_acept")


def test_a_scenario_that_is_wrong_is_named_in_the_study_that_uses_it(study: Path) -> None:
    scenario = study.parent / "quota.toml"
    scenario.write_text(QUOTA.replace("quota_tonnes = 30258", "quota_tonnes = -1\nquota_tones = 3"))
    problems = problems_of(study)
    assert {p.file for p in problems} == {str(scenario)}
    assert "above" in said(problems, "export_quota.1.quota_tonnes") or "greater" in said(
        problems, "export_quota.1.quota_tonnes"
    )
    assert "unknown" in said(problems, "export_quota.1.quota_tones")


@pytest.mark.parametrize(
    ("change", "column", "words"),
    [
        ({"sigma": 0.5, "mu": "0"}, "mu", "number"),
        ({"sigma": float("nan"), "mu": 0}, "sigma", "above 0"),
        ({"sigma": True, "mu": 0}, "sigma", "number"),
        ({"sigma": 1.0}, "mu", "missing"),
        ({"sigma": 1.0, "mu": 0, "soruce": "me"}, "soruce", "source"),
    ],
)
def test_parameters_of_a_prior_are_checked(change: dict, column: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Prior.model_validate({"distribution": "Normal", **change})
    found = caught.value.errors()[0]["ctx"]["found"]
    assert any(f["key"] == column and words in f["message"] + f["advice"] for f in found)


def test_bounds_of_a_prior_are_in_order() -> None:
    with pytest.raises(ValidationError, match="not below"):
        Prior(distribution="Uniform", lower=1, upper=0)  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize(
    ("content", "words", "row"),
    [
        (b"\xff\xfe\x00", "UTF-8", 1),
        (b'name = "x"\nmodel = y\n', "TOML", 2),
        (b'name = "x"\nname = "y"\n', "TOML", 2),
    ],
)
def test_unreadable_files(tmp_path: Path, content: bytes, words: str, row: int) -> None:
    path = tmp_path / "s.toml"
    path.write_bytes(content)
    (problem,) = problems_of(path)
    assert words in problem.message
    assert problem.row == row


def test_missing_file_suggests_a_neighbour(study: Path) -> None:
    (problem,) = problems_of(study.parent / "studi.toml")
    assert "study.toml" in problem.advice
    (problem,) = problems_of(study.parent)
    assert "folder" in problem.message


def test_the_quota_of_2010_is_a_ratio(project: Path) -> None:
    scenario = read_scenario(project / "models" / "scenarios" / "china-quota-2010.toml")
    (quota,) = scenario.policies
    assert isinstance(quota, ree.ExportQuota)
    assert quota.exporter == "CHN"
    assert quota.elements == "all"
    assert quota.quantity_change == pytest.approx(30258 / 56939)
    assert scenario.year == 2010


def test_every_policy_can_be_written_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    path.write_text(
        'name = "t"\nyear = 2011\n'
        '[[tariff]]\nimporter = ["USA", "JPN"]\nexporter = "CHN"\nsectors = ["machinery"]\nrate = 0.25\n'
        '[[export_tax]]\nexporter = "CHN"\nrate = 0.5\nyears = [2010, 2011]\n'
        '[[export_quota]]\nexporter = "CHN"\nelements = ["Nd"]\nquota_tonnes = 1\nbaseline_tonnes = 2\n'
        '[[embargo]]\nexporter = "CHN"\nsectors = "Dy"\nimporter = "JPN"\n'
        '[[supply_shock]]\ncountry = "AUS"\nelements = ["Nd"]\nquantity_change = 1.5\n'
        '[[recycling]]\ncountry = "JPN"\nrate = 0.2\n'
        '[[subsidy]]\ncountry = "USA"\nsectors = ["Nd"]\nrate = 0.1\n'
    )
    assert set(read_scenario(path).policies) == {
        ree.Tariff(0.25, importer=("USA", "JPN"), exporter="CHN", sectors=("machinery",)),
        ree.ExportTax(0.5, exporter="CHN", years=(2010, 2011)),
        ree.ExportQuota("CHN", ("Nd",), 0.5),
        ree.Embargo("CHN", "Dy", importer="JPN"),
        ree.SupplyShock("AUS", ("Nd",), 1.5),
        ree.Recycling(0.2, country="JPN"),
        ree.Subsidy(0.1, country="USA", sectors=("Nd",)),
    }


def test_ambiguous_or_empty_scenarios_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    entry = '[[tariff]]\nimporter = "USA"\nrate = 0.25\n'
    path.write_text('name = "t"\n' + entry + entry + '[[embargo]]\nexporter = []\nsectors = "Dy"\nyears = [2010]\n')
    with pytest.raises(InputError) as caught:
        read_scenario(path)
    assert "both set USA" in str(caught.value)
    assert "this list is empty" in str(caught.value)
    assert "policies have years and the scenario has none" in str(caught.value)
    path.write_text('name = "t"\n')
    with pytest.raises(InputError, match="changes nothing"):
        read_scenario(path)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('[[tariff]]\nimporter = "USA"\nrate = 10\n', "a tax of 1,000 per cent. Is it per cent? Then write 0.1"),
        ('[[export_tax]]\nexporter = "CHN"\nrate = 25\n', "Then write 0.25"),
        ('[[export_quota]]\nexporter = "CHN"\nquota_tonnes = 140\nbaseline_tonnes = 100\n', "1.4 times the baseline"),
    ],
)
def test_sizes_that_are_most_often_mistakes_are_asked_about(tmp_path: Path, entry: str, words: str) -> None:
    path = tmp_path / "t.toml"
    path.write_text('name = "t"\n' + entry)
    with pytest.raises(InputError, match=re.escape(words)):
        read_scenario(path)
    path.write_text('name = "t"\nconfirmed = true\n' + entry)
    assert len(read_scenario(path).policies) == 1


def test_a_scenario_whose_policies_are_never_in_force_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    entry = '[[tariff]]\nimporter = "USA"\nrate = 0.25\nyears = [2010, 2011]\n'
    path.write_text('name = "t"\nyear = 2025\n' + entry)
    with pytest.raises(InputError, match="no policy is in force in the year of the scenario"):
        read_scenario(path)
    path.write_text('name = "t"\nyear = 2011\n' + entry)
    assert read_scenario(path).year == 2011


def test_a_study_made_in_python_is_checked_too() -> None:
    spec = Spec(name="x", model="m.py", dataset="d")
    assert spec.path is None
    assert '"name": "x"' in spec.text
    with pytest.raises(ValidationError):
        Spec(name="x", model="m.py", dataset="d", sampler={"name": "gibbs"})  # pyright: ignore[reportArgumentType]


def test_a_study_based_on_another_changes_what_it_states_and_nothing_else(study: Path) -> None:
    variant = study.parent / "variant.toml"
    variant.write_text(
        'name = "variant"\nbased_on = "study.toml"\n[evidence]\npatents = false\n'
        '[priors.kappa]\ndistribution = "Fixed"\nvalue = 1.0\n'
    )
    base, spec = read_spec(study), read_spec(variant)
    assert (spec.name, spec.dataset, spec.evidence.patents) == ("variant", base.dataset, False)
    assert spec.priors["kappa"].parameters == {"value": 1.0}
    assert spec.priors["confusion"] == base.priors["confusion"]
    assert spec.base_text == SPEC


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("other.toml", "no such file"),
        ("../study.toml", "not the name of a study file"),
        ("variant.toml", "not the name of a study file"),
    ],
)
def test_a_base_that_cannot_be_had_is_named(study: Path, given: str, message: str) -> None:
    variant = study.parent / "variant.toml"
    variant.write_text(f'name = "variant"\nbased_on = "{given}"\n')
    assert message in said(problems_of(variant), "based_on")
