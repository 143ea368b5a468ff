"""A kind of evidence is one object: a new one reaches inputs, model, checks and refits through the list alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from scipy import stats

from reestim.checks import predictive
from reestim.checks.power import power_table
from reestim.dims import SECTOR, YEAR
from reestim.errors import InputError
from reestim.estimate import fit as fitting
from reestim.estimate import kinds
from reestim.estimate.inputs import assemble, unused_files
from reestim.estimate.kinds.kind import EvidenceKind, Observed, Sources
from reestim.estimate.kinds.signal import Block, Signal
from reestim.estimate.kinds.variable import POSITIVE, Variable
from reestim.estimate.model import adapt
from reestim.estimate.structure import PARAMETERS_NEEDED, StructureAtDraw
from reestim.pipeline.refits import possible_refits
from reestim.reports.figures.predictions import predictive_figure
from reestim.runs.parts import DataRecord
from reestim.runs.record import RunRecord
from reestim.study.prior import Prior
from reestim.study.spec import Evidence
from tests.conftest import PROJECT
from tests.recovery.study import POLICY_YEAR, default_spec
from tests.recovery.world import small_world

# --- What somebody who adds a kind writes: the kind with its inputs ---


def _survey_inputs(sources: Sources) -> xr.Dataset:
    """Engineers' answers: by how much per cent less rare earths they would use if these cost one per cent more."""
    table = sources.tables["survey"].set_index([SECTOR, YEAR])["answer"]
    labels = [f"{sector} {year}" for sector, year in table.index]
    sector = [sources.price.get_index(SECTOR).get_loc(s) for s, _ in table.index]
    return xr.Dataset(
        {"survey_answer": ("survey", table.to_numpy()), "survey_sector": ("survey", sector)}, {"survey": labels}
    )


def _survey_signal(draw: StructureAtDraw) -> Signal:
    answers = draw.values["sigma"][draw.data["survey_sector"].values]
    error = np.full(answers.shape, float(draw.values["survey_noise"]))
    return Signal(answers, error, error**-2.0)


SURVEY = EvidenceKind(
    name="survey",
    files=(("survey",),),
    inputs=_survey_inputs,
    observed={"survey_answer": Observed("answers of engineers", panel="answers in {}")},
    variables={
        "survey_answer": Variable("stated elasticity of substitution", "elasticity"),
        "survey_noise": Variable("spread of the answers", "elasticity", POSITIVE),
    },
    blocks=(Block("survey", "answers of engineers", "survey_answer", _survey_signal),),
    by_sector=("survey",),
)


class WithSurvey(Evidence):
    """Its switch in a study."""

    survey: bool = True


#: Its block, and its line in the model.
_BLOCK = """
def survey(data, sigma, priors):
    noise = variable(priors, "survey_noise")
    mean = sigma[data["survey_sector"].values]
    pm.Normal("survey_answer", mean, noise, observed=data["survey_answer"].values, dims="survey")
"""
_LINE = """
        if "survey_answer" in data:
            survey(data, sigma, priors)
    return model
"""

ONLY = {"patents": False, "event_study": False, "ree_use": False}
NOISE = Prior.model_validate({"distribution": "HalfNormal", "sigma": 0.3})


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "KINDS", (*kinds.KINDS, SURVEY))


@pytest.fixture
def table() -> pd.DataFrame:
    sectors = [str(s) for s in small_world()[1][SECTOR].values[:2]]
    rows = [(sector, year, 0.4 + 0.1 * k) for k, sector in enumerate(sectors) for year in (2009, 2010)]
    return pd.DataFrame(rows, columns=[SECTOR, YEAR, "answer"])


@dataclass(frozen=True)
class _Data:
    """As much of a dataset as refits look at."""

    tables: Mapping[str, pd.DataFrame]
    goods: list[str]

    def __contains__(self, stem: str) -> bool:
        return stem in self.tables

    def __getitem__(self, stem: str) -> pd.DataFrame:
        return self.tables[stem]


def _inputs(table: pd.DataFrame) -> xr.Dataset:
    io, price, z = small_world()
    return assemble(io, price, z, {"survey": table}, WithSurvey(**ONLY), policy_year=POLICY_YEAR)


def _study(tmp_path: Path, **priors: Prior) -> Any:
    text = (PROJECT / "models" / "substitution.py").read_text(encoding="utf-8")
    text = text.replace("\n\ndef build(", f"\n{_BLOCK}\n\ndef build(").replace("\n    return model\n", _LINE)
    path = tmp_path / "with_survey.py"
    path.write_text(text, encoding="utf-8")
    spec = default_spec()
    evidence = WithSurvey(**ONLY)
    return spec.model_copy(update={"model": str(path), "evidence": evidence, "priors": spec.priors | priors})


def test_the_inputs_hold_it_and_a_missing_file_is_named(table: pd.DataFrame) -> None:
    data = _inputs(table)
    assert data.attrs["evidence"] == "survey"
    np.testing.assert_array_equal(data["survey_answer"], table["answer"])
    io, price, z = small_world()
    with pytest.raises(InputError, match=r"survey\.csv.*evidence\.survey = false"):
        assemble(io, price, z, {}, WithSurvey(**ONLY), policy_year=POLICY_YEAR)
    assert unused_files(WithSurvey(patents=True, survey=False, published_moments=True)) == {"survey"}


def test_the_model_conditions_on_it(table: pd.DataFrame, tmp_path: Path) -> None:
    model = fitting.build(_study(tmp_path, survey_noise=NOISE), _inputs(table))
    assert isinstance(model, pm.Model)
    assert adapt(model).about["survey_answer"] == {
        "long_name": "stated elasticity of substitution",
        "units": "elasticity",
    }
    parameters = model.replace_rvs_by_values([model["sigma"], model["survey_noise"]])
    term = model.compile_fn(
        [model.logp(vars=[model["survey_answer"]], sum=False)[0], *parameters],
        inputs=model.value_vars,
        mode="FAST_COMPILE",
        on_unused_input="ignore",
        point_fn=False,
    )
    start = model.initial_point()
    value, sigma, noise = term(*[start[v.name] for v in model.value_vars])
    mean = sigma[_inputs(table)["survey_sector"].values]
    np.testing.assert_allclose(value, stats.norm(mean, noise).logpdf(table["answer"]), rtol=1e-12)


def test_its_prior_is_checked_and_may_stay_where_it_is_off(table: pd.DataFrame, tmp_path: Path) -> None:
    data = _inputs(table)
    with pytest.raises(InputError, match=r"priors\.survey_noise"):
        fitting.build(_study(tmp_path), data)
    wide = Prior.model_validate({"distribution": "Normal", "mu": 0.0, "sigma": 1.0})
    with pytest.raises(InputError, match="outside"):
        fitting.build(_study(tmp_path, survey_noise=wide), data)
    off = data.drop_dims("survey")
    assert "survey_noise" not in fitting.build(_study(tmp_path, survey_noise=NOISE), off).named_vars


def test_its_power_is_known(table: pd.DataFrame) -> None:
    data = _inputs(table)
    of_sector = {
        "sigma": np.full(data.sizes["sector"], 0.5),
        "trade_elasticity": np.full(data.sizes["traded_sector"], 4.0),
    }
    dims = {"sigma": ("sector",), "trade_elasticity": ("traded_sector",)}
    values = dict.fromkeys((*PARAMETERS_NEEDED, "survey_noise"), 0.2) | of_sector
    one = xr.Dataset({n: (dims.get(n, ()), v) for n, v in values.items()}, {d: data[d] for (d,) in dims.values()})
    power = power_table(data, {"prior": one.expand_dims(chain=[0], draw=[0, 1])})
    assert power["block"].tolist() == ["survey"]
    assert power.loc[0, ["prior_row", "prior_joint"]].tolist() == pytest.approx([2.5, 5.0])  # .5/.2, four answers


def test_checks_and_figure_show_it() -> None:
    seen = xr.Dataset({"survey_answer": ("survey", [0.4, 0.5])}, {"survey": ["motors 2009", "motors 2010"]})
    made = seen.expand_dims(chain=[0], draw=range(50)) + xr.DataArray(
        np.random.default_rng(0).normal(0, 0.1, (50, 2)), dims=("draw", "survey")
    )
    post = xr.DataTree.from_dict({"observed_data": seen, "posterior_predictive": made})
    post = RunRecord(provenance=DataRecord(synthetic=("survey.csv", "prices.csv"))).attached(post)
    check = predictive.check(post)
    assert check.table is not None
    assert set(check.table["statistic"]) == {"answers of engineers"}
    assert any("survey.csv" in words for words in check.sentences)
    figure = predictive_figure(check.table)
    assert figure is not None
    assert figure.axes[0].get_title() == "answers in motors"


def test_a_refit_leaves_its_sectors_out(table: pd.DataFrame, tmp_path: Path) -> None:
    sectors = list(dict.fromkeys(table[SECTOR]))
    data: Any = _Data(MappingProxyType({"survey": table}), sectors)
    found = possible_refits(_study(tmp_path), data)
    assert [refit.sector for refit in found] == sectors
    assert set(found[0].data.tables["survey"][SECTOR]) == set(sectors[1:])
