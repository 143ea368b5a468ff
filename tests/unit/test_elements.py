"""Chemistry of the elements: the data file against its source, likeness, and the command that shows both."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer.testing

import reestim as ree
from reestim.cli.app import app
from reestim.data.dataset import Dataset
from reestim.errors import InputError
from reestim.supply_chain.element_similarity import PROPERTIES, element_properties, hund_moment


@pytest.fixture(scope="module")
def data() -> Dataset:
    return ree.load_dataset("simulated-2010")


def test_the_bundled_properties_are_those_of_mendeleev(data: Dataset) -> None:
    columns = list(PROPERTIES)
    read = element_properties(list(data.elements))
    np.testing.assert_allclose(data["elements"][columns].astype(float), read[columns].astype(float), rtol=1e-12)


@pytest.mark.parametrize(("electrons", "moment"), [(0, 0), (3, 3.62), (6, 0), (7, 7.94), (9, 10.65), (13, 4.54)])
def test_moments_are_those_of_the_textbook(electrons: int, moment: float) -> None:
    assert hund_moment(electrons) == pytest.approx(moment, abs=0.005)


def test_likeness_is_a_distance_and_neighbours_are_alike(data: Dataset) -> None:
    similarity = ree.element_similarity(data)
    d = similarity["distance"].values
    np.testing.assert_allclose(d, d.T)
    assert (np.diag(d) == 0).all()
    assert (d[:, :, None] <= d[:, None, :] + d.T[None, :, :] + 1e-12).all()  # d(i,j) <= d(i,k) + d(k,j)
    z = similarity["standardised"]
    np.testing.assert_allclose(z.mean("element"), 0, atol=1e-12)
    np.testing.assert_allclose(z.std("element"), 1)
    near = similarity["distance"].sel
    assert float(near(element="Nd", other_element="Pr")) < 0.5
    assert float(near(element="Nd", other_element="Dy")) > 1.0
    assert float(near(element="Tb", other_element="Dy")) < 0.5
    order = similarity.element.values.tolist()
    assert abs(order.index("Nd") - order.index("Pr")) == 1 == abs(order.index("Tb") - order.index("Dy"))


def test_missing_properties_are_listed_together(data: Dataset) -> None:
    broken = data["elements"].copy()
    broken.loc[broken["element"] == "Nd", "density"] = np.nan
    with pytest.raises(InputError) as error:
        ree.element_similarity(replace(data, tables={**data.tables, "elements": broken.drop(columns="f_electrons")}))
    assert len(error.value.problems) == 1 + len(data.elements)
    few = broken[broken["element"].isin(["La", "Ce"])]
    with pytest.raises(InputError, match="too few"):
        ree.element_similarity(replace(data, tables={**data.tables, "elements": few}))


def reestim(*arguments: object) -> typer.testing.Result:
    return typer.testing.CliRunner().invoke(app, ["elements", *map(str, arguments)])


def test_the_command_writes_whole_folders(tmp_path: Path) -> None:
    said = reestim("--out", tmp_path / "new", "--json")
    assert said.exit_code == 0, said.output
    found = json.loads(said.output)
    assert {Path(p).name for p in found["written"]} == {
        "element_similarity.csv",
        "element_distance.csv",
        "substitutability.csv",
        "element_similarity.png",
        "element_similarity.svg",
    }
    z = pd.DataFrame(found["substitutability"]).set_index("sector")
    np.testing.assert_allclose(z.mean(), 0, atol=1e-9)
    again = reestim("--out", tmp_path / "new")
    assert again.exit_code == 1
    assert "nothing is overwritten" in again.output


def test_look_up() -> None:
    said = reestim("--look-up", "Sc, Lu Lu")
    assert said.output.count("\n") == 3
    bad = reestim("--look-up", "Nd Fe Xx")
    assert bad.exit_code == 1
    assert "'Fe'" in bad.output
    assert "'Xx'" in bad.output
    assert reestim("--look-up", "").exit_code == 1
