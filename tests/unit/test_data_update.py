"""A world economy brought to new margins: accounts close, structure stays, and 2011 is found from 2008."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer.testing

from reestim.cli.app import app
from reestim.data.dataset import Dataset, load_dataset
from reestim.errors import InputError
from reestim.importers import real_economy
from reestim.importers.balance import Flows, Margins, balanced, moved
from reestim.importers.margins import Margin, as_table, margins_of, read_margins
from reestim.importers.update import flows_of, largest_gap, update_dataset
from reestim.io.resources import REAL

COUNTRIES, SECTORS = ("a", "b", "c"), ("farming", "steel", "cars")


@pytest.fixture(scope="module")
def seed() -> Flows:
    """A small world whose accounts close, with a tariff."""
    rng = np.random.default_rng(5)
    trade = 100 * rng.lognormal(size=(3, 3, 3)) + 900 * np.eye(3)[:, :, None]
    inputs = trade.sum(axis=0)[:, None, :] * rng.dirichlet(np.ones(6), (3, 3)).transpose(0, 2, 1)[:, :3, :] * 0.8
    wedge = 1 + 0.1 * (1 - np.eye(3)[:, :, None]) * np.ones(3)
    return Flows(COUNTRIES, SECTORS, trade, inputs, wedge)


def own_margins(flows: Flows) -> Margins:
    return Margins(flows.output, flows.value_added, flows.exports, flows.imports)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset(REAL)


def test_its_own_margins_leave_a_world_as_it_is_and_twice_them_double_it(seed: Flows) -> None:
    same = balanced(seed, own_margins(seed))
    np.testing.assert_allclose(same.trade, seed.trade, atol=2e-3)
    np.testing.assert_allclose(same.inputs, seed.inputs, atol=2e-3)
    twice = balanced(
        seed, Margins(*(2 * getattr(seed, name) for name in ("output", "value_added", "exports", "imports")))
    )
    np.testing.assert_allclose(twice.inputs, 2 * seed.inputs, atol=3e-3)
    assert moved(seed, twice)["mean_change"].max() < 1e-5


def test_new_margins_hold_and_the_accounts_close(seed: Flows) -> None:
    rng = np.random.default_rng(6)
    output = seed.output * rng.uniform(0.8, 1.6, (3, 3))
    exports = seed.exports * rng.uniform(0.9, 1.2, (3, 3))
    imports = seed.imports * rng.uniform(0.9, 1.2, (3, 3))
    imports *= exports.sum(axis=0) / imports.sum(axis=0)
    asked = Margins(
        output,
        output * np.clip(seed.value_added / seed.output * rng.uniform(0.9, 1.1, (3, 3)), 0, 0.9),
        exports,
        imports,
    )
    found = balanced(seed, asked)
    for name in ("output", "value_added", "exports", "imports"):
        np.testing.assert_allclose(getattr(found, name), getattr(asked, name), atol=5e-3, err_msg=name)
    assert (found.final >= 0).all()
    assert (found.inputs >= 0).all()
    np.testing.assert_allclose(found.inputs.sum(axis=1) + found.value_added, found.output, rtol=1e-12)
    # RAS keeps the odds of any two inputs between any two users
    odds = found.inputs[:, :2, :2], seed.inputs[:, :2, :2]
    cross = [f[:, 0, 0] * f[:, 1, 1] / (f[:, 0, 1] * f[:, 1, 0]) for f in odds]
    np.testing.assert_allclose(*cross, rtol=1e-3)


def test_what_is_not_stated_follows_from_what_is(seed: Flows) -> None:
    rows = [
        Margin(c, SECTORS, "value_added", 1.5 * float(seed.value_added[n].sum()), "read: x")
        for n, c in enumerate("abc")
    ]
    made = margins_of(rows, seed)
    np.testing.assert_allclose(made.output, 1.5 * seed.output)
    np.testing.assert_allclose(made.exports, 1.5 * seed.exports)
    np.testing.assert_allclose(made.imports.sum(axis=0), made.exports.sum(axis=0))
    np.testing.assert_allclose(made.imports, 1.5 * seed.imports)


def test_stated_imports_keep_their_composition_between_countries_and_meet_world_exports(seed: Flows) -> None:
    base = [Margin(c, SECTORS, "output", float(seed.output[n].sum()), "read: x") for n, c in enumerate("abc")]
    stated = [
        Margin(c, SECTORS, "imports", value, "read: x") for c, value in zip("abc", (300.0, 500.0, 900.0), strict=True)
    ]
    made = margins_of([*base, *stated], seed)
    np.testing.assert_allclose(made.imports.sum(axis=0), made.exports.sum(axis=0))
    totals = made.imports.sum(axis=1)
    np.testing.assert_allclose(totals / totals.sum(), np.array([3.0, 5.0, 9.0]) / 17, rtol=1e-9)


def test_contradictions_are_named_all_at_once(seed: Flows) -> None:
    exports = seed.exports.copy()
    exports[0, 1] = 2 * seed.output[0, 1]
    added = seed.value_added.copy()
    added[2, 0] = 2 * seed.output[2, 0]
    with pytest.raises(InputError) as refused:
        balanced(seed, Margins(seed.output, added, exports, seed.imports))
    assert {problem.value for problem in refused.value.problems} >= {"a, steel", "c, farming"}
    with pytest.raises(InputError, match="neither output nor value added"):
        margins_of([], seed)


def test_a_file_of_margins_is_checked_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "margins.csv"
    file.write_text(
        "country,sectors,measure,value,source\na,all,output,5,read: x\na,steel cars,output,1,x\n"
        "z,steel,output,1,x\nb,stel,output,-1,x\nb,cars,outputs,one,x\n"
    )
    with pytest.raises(InputError) as refused:
        read_margins(file, COUNTRIES, SECTORS)
    found = [(p.row, p.column) for p in refused.value.problems]
    assert {(3, "sectors"), (4, "country"), (5, "sectors"), (5, "value"), (6, "measure"), (6, "value")} == set(found)


def test_a_dataset_at_the_command_line(data: Dataset, tmp_path: Path) -> None:
    before = flows_of(data)
    rows = [
        Margin(c, data.goods, "value_added", (1 + 0.1 * n) * float(before.value_added[n].sum()), "read: x")
        for n, c in enumerate(data.countries)
    ]
    as_table(rows).to_csv(tmp_path / "margins.csv", index=False)
    typed = ["data", "update", str(REAL), "--margins", str(tmp_path / "margins.csv"), "--out", str(tmp_path / "new")]
    runner = typer.testing.CliRunner()
    refused = runner.invoke(app, [*typed, "--year", "2020"])
    assert refused.exit_code == 1
    assert "element_prices.csv" in refused.stderr
    assert not (tmp_path / "new").exists()
    done = runner.invoke(app, [*typed, "--year", "2011"])
    assert done.exit_code == 0, done.output
    assert "shares of exporters" in done.stdout
    made = load_dataset(tmp_path / "new")
    assert made.meta.base_year == 2011
    assert made.meta.uncertainty == load_dataset(REAL).meta.uncertainty
    assert made.meta.updated == ["trade.csv", "input_output.csv", "value_added.csv"]
    assert not {"trade.csv", "value_added.csv"} & set(made.meta.imputed)
    assert made["trade"]["source"].str.startswith("updated: ").all()
    assert not made["trade"]["verified"].any()
    after = flows_of(made)
    np.testing.assert_allclose(after.value_added.sum(axis=1), [row.value for row in rows], rtol=1e-6)
    gap = after.inputs.sum(axis=1) + after.value_added - after.output
    assert np.abs(gap).max() < 1e-9 * after.output.max()
    assert pd.read_csv(tmp_path / "new" / "sources" / "margins.csv")["value"].tolist() == [row.value for row in rows]


def test_2011_is_nearer_from_2008_and_its_margins_than_2008_is(
    data: Dataset, shared_data: Path, tmp_path: Path
) -> None:
    """The table of 2011 is known: margins of it and the structure of 2008 give shares of exporters twenty times as near
    as those of 2008 and input coefficients more than twice as near."""
    world = real_economy.economy(shared_data / "wiod2013", 2011).world
    ones = np.ones((len(world.regions), len(world.regions), len(world.industries)))
    true = Flows(world.regions, world.industries, world.trade.transpose(2, 0, 1), world.inputs.transpose(1, 0, 2), ones)
    before = flows_of(data)
    rows = [
        Margin(c, (k,), name, float(getattr(true, name)[n, s]), "read: WIOD 2011")
        for name in ("output", "value_added", "exports", "imports")
        for n, c in enumerate(true.countries)
        for s, k in enumerate(true.sectors)
        if getattr(before, name)[n, s] > 0
    ]
    as_table(rows).to_csv(tmp_path / "margins.csv", index=False)
    made = update_dataset(REAL, tmp_path / "margins.csv", 2011, tmp_path / "new")
    after = flows_of(load_dataset(made.folder))
    assert largest_gap(rows, after) == made.largest_gap < 1e-5
    near, far = (moved(flows, true).set_index("array")["mean_change"] for flows in (after, before))
    assert near["shares of exporters"] < far["shares of exporters"] / 15
    assert near["input coefficients"] < far["input coefficients"] / 2
    assert near["shares of sectors"] < 1e-9


def test_final_demand_below_zero_in_the_seed_is_balanced_too(seed: Flows) -> None:
    """Inventories: GRAS keeps the sign of every cell."""
    inputs = seed.inputs.copy()
    inputs[0, 0, 1] += seed.final[0, 0] + 5.0  # more farming is used than bought
    odd = replace(seed, inputs=inputs)
    assert odd.final[0, 0] < 0
    found = balanced(odd, own_margins(odd))
    np.testing.assert_allclose(found.final[0, 0], odd.final[0, 0], atol=2e-2)
