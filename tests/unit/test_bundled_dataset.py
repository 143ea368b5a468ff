"""The bundled dataset: what is real is marked so, what is simulated too, and a script makes it byte for byte."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reestim.data.dataset import Dataset, check_dataset, load_dataset
from reestim.dims import LABELS
from reestim.errors import InputError
from reestim.evidence.truth import Truth
from reestim.importers.bundle import EVIDENCE_YEARS, TRUTH, main
from reestim.io.resources import SIMULATED

SIMULATED_FILES = ("patent_labels", "label_audit", "outcomes")


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("simulated-2010")


def test_it_is_sound_and_found_by_name_from_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert check_dataset(SIMULATED) == []
    monkeypatch.chdir(tmp_path)
    assert load_dataset("simulated-2010").path == SIMULATED.resolve()


def test_labels_come_in_file_order(data: Dataset) -> None:
    assert data.countries == ("CHN", "JPN", "KOR", "TWN", "USA", "DEU", "REU", "IND", "AUS", "ROW")
    assert data.elements == ("La", "Ce", "Pr", "Nd", "Sm", "Eu", "Gd", "Tb", "Dy", "Y")
    assert len(data.goods) == 20
    assert data.goods[6] == data.meta.host_sector == "chemicals"
    assert data.years == tuple(range(1999, 2015))
    assert "input_costs" not in data
    with pytest.raises(InputError, match="has no file input_costs"):
        data["input_costs"]


def test_the_hash_follows_the_bytes(data: Dataset, tmp_path: Path) -> None:
    for path in SIMULATED.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    assert load_dataset(tmp_path).hash == data.hash
    (tmp_path / "dataset.toml").write_bytes((tmp_path / "dataset.toml").read_bytes() + b"\n")
    assert load_dataset(tmp_path).hash != data.hash


def test_every_figure_says_where_it_is_from_and_only_what_was_read_is_verified(data: Dataset) -> None:
    for stem, table in data.tables.items():
        assert {"source", "verified"} <= set(table), stem
        kind = table["source"].str.extract(r"^(read|recalled|imputed|simulated)\b")[0]
        assert kind.notna().all() or stem == "elements", stem
        assert (~table["verified"] | (kind == "read")).all(), stem
        if stem != "elements":  # its rows mix properties read and scores recalled
            assert (table["verified"] == (kind == "read")).all(), stem
        if (kind == "imputed").any():
            assert f"{stem}.csv" in data.meta.imputed, stem
        assert (kind == "simulated").all() == (stem in SIMULATED_FILES), stem
        if (kind == "recalled").any():
            assert f"{stem}.csv" in data.recalled, stem


def test_the_simulated_files_are_called_so(data: Dataset) -> None:
    assert data.meta.synthetic == sorted(f"{stem}.csv" for stem in SIMULATED_FILES)
    assert "simulated" in data.meta.description
    assert "stylised" in data.meta.description
    assert data.meta.truth is not None
    truth = Truth.from_dict(data.meta.truth)
    assert truth.kappa == TRUTH.kappa
    assert truth.sigma is not None
    assert 0.35 < float(np.mean(list(truth.sigma.values()))) < 0.55


def test_the_simulated_patents_are_as_stated(data: Dataset) -> None:
    patents = data["patent_labels"]
    assert 30_000 < patents["count"].sum() < 60_000
    assert sorted(patents["year"].unique()) == list(EVIDENCE_YEARS)
    assert set(patents["country"]) == set(data.countries)
    assert set(patents["sector"]) == set(data["application_sector"]["sector"]) == set(data.meta.truth["sigma"])  # type: ignore[index]
    audit = data["label_audit"]
    assert set(audit["design"]) == {"by_label"}
    table = audit.pivot_table(index="human_label", columns="machine_label", values="count")
    table = table.loc[list(LABELS), list(LABELS)].to_numpy()
    assert np.all(table.sum(axis=0) == 200)  # drawn by label: the columns are fixed
    assert np.all(np.diag(table) / table.sum(axis=0) > 0.7)


def _prices(data: Dataset, market: str) -> pd.DataFrame:
    table = data["element_prices"]
    return table[table["market"] == market].pivot_table(index="year", columns="element", values="price")


def test_prices_are_those_of_the_sources_and_follow_the_rules(data: Dataset) -> None:
    export, domestic = _prices(data, "export"), _prices(data, "domestic_CHN")
    assert export.loc[2011, "Dy"] == 1449.8
    assert export.loc[2008, "La"] == 8.71
    assert export.loc[2014, "Nd"] == 63
    assert export.loc[2012, "Ce"] == (42.5 + 11) / 2
    np.testing.assert_allclose(export.loc[2013, "Pr"] / export.loc[2013, "Nd"], 197.3 / 234.4, rtol=1e-5)
    np.testing.assert_allclose(export["Gd"] / export["Dy"], 122.5 / 3950, rtol=2e-5)
    np.testing.assert_allclose(
        export.loc[2005] / export.loc[2007], (40362791 / 18964156) / (72012048 / 21096028), rtol=1e-5
    )
    np.testing.assert_allclose(domestic.loc[2006], export.loc[2006])
    np.testing.assert_allclose(export.loc[2007] / domestic.loc[2007], 1.16, rtol=1e-5)
    np.testing.assert_allclose(export.loc[2009, "Nd"] / domestic.loc[2009, "Nd"], 1.31, rtol=1e-5)
    np.testing.assert_allclose(export.loc[2008, "Eu"] / domestic.loc[2008, "Eu"], 1.25 / 1.15 * 1.31, rtol=1e-5)
    np.testing.assert_allclose(domestic.loc[2011, "La"], 140 / 6.39, rtol=1e-5)
    wedge = export / domestic
    np.testing.assert_allclose(np.log(wedge.loc[2010]), np.log(wedge.loc[[2009, 2011]]).mean(), atol=2e-5)
    np.testing.assert_allclose(wedge.loc[2014], wedge.loc[2012], rtol=2e-5)
    assert (wedge > 0.999).all().all()


def test_tonnes_add_up_to_the_sources(data: Dataset) -> None:
    output = data["element_output"].groupby(["country", "year"])["tonnes"].sum()
    assert output["CHN", 2008] == pytest.approx(120_000, abs=1e-6)
    assert output["USA", 2013] == pytest.approx(5_500, abs=1e-6)
    assert output["ROW", 2008] == pytest.approx(2_500 + 390 + 435, abs=1e-6)
    assert ("USA", 2008) not in output.index
    use = data["element_use"]
    by_application = use.groupby("application")["tonnes"].sum()
    assert by_application["magnets"] == pytest.approx(26_228)
    assert by_application["glass"] == pytest.approx(0.96 * 12_000)  # the unnamed 4 % are left out
    nd = use[(use["application"] == "magnets") & (use["element"] == "Nd")]["tonnes"].item()
    assert nd == pytest.approx(0.694 * 26_228)
    mix = use.groupby("element")["tonnes"].sum() / use["tonnes"].sum()
    china = data["element_output"].query("country == 'CHN' and year == 2008").set_index("element")["tonnes"] / 120_000
    pd.testing.assert_series_equal(china.sort_index(), mix.sort_index(), atol=1e-5, rtol=0, check_names=False)


def test_the_real_panel_of_us_imports(data: Dataset) -> None:
    panel = data["ree_use_panel"].set_index("year")
    unit_value = 1000 * panel["value"] / panel["tonnes"]
    assert unit_value[2010] == pytest.approx(8.37, abs=0.01)
    assert unit_value[2011] == pytest.approx(72.03, abs=0.01)
    assert panel["tonnes"][2016] == 13_418.9
    assert "ree_use_panel.csv" not in data.meta.synthetic


def test_the_script_makes_every_file_byte_for_byte(tmp_path: Path) -> None:
    main(["--out", str(tmp_path / "again")])
    made = {p.relative_to(tmp_path / "again"): p for p in (tmp_path / "again").rglob("*") if p.is_file()}
    kept = {p.relative_to(SIMULATED): p for p in SIMULATED.rglob("*") if p.is_file()}
    assert set(made) == set(kept)
    different = [str(name) for name in kept if kept[name].read_bytes() != made[name].read_bytes()]
    assert different == []
    assert [p.name for p in tmp_path.iterdir()] == ["again"]  # nothing temporary is left


def test_a_build_that_fails_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    out, facts = tmp_path / "out", tmp_path / "facts"
    main(["--out", str(out)])
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    (facts / "sources").mkdir(parents=True)
    for path in out.rglob("*.csv"):
        (facts / path.relative_to(out)).write_bytes(path.read_bytes())
    elements = (facts / "elements.csv").read_text().replace("light", "lite", 1)
    (facts / "elements.csv").write_text(elements)
    with pytest.raises(InputError, match="Did you mean 'light'"):
        main(["--out", str(out), "--facts", str(facts)])
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before


def test_the_header_of_the_dataset_is_plain_toml() -> None:
    content = tomllib.loads((SIMULATED / "dataset.toml").read_text(encoding="utf-8"))
    assert content["base_year"] == 2008
    assert content["policy_year"] == 2010
