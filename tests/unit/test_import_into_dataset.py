"""From files of several sources to one dataset that passes its checks, and the plain arrays route on real tables."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer.testing

from reestim.cli.app import app
from reestim.data.dataset import check_dataset, load_dataset
from reestim.errors import InputError
from reestim.importers.build import build_from_tables
from reestim.importers.imported import ImportOptions
from reestim.importers.regions import REGIONS_OF_BUNDLED
from reestim.importers.registry import IMPORT_SOURCES, import_files
from reestim.importers.world_tables import WORLD_SOURCES
from tests.unit import patent_files
from tests.unit import test_import_usitc as usitc
from tests.unit.test_import_comtrade import answer, bulk, records
from tests.unit.test_import_euklems import tidy, workbooks
from tests.unit.test_import_hs import baci
from tests.unit.test_import_patentsview import write as patents
from tests.unit.test_import_usgs import workbook


@pytest.fixture
def dataset(project: Path, tmp_path: Path) -> Path:
    """A copy of the bundled dataset."""
    shutil.copytree(project / "data" / "simulated-2010", tmp_path / "mine")
    return tmp_path / "mine"


def test_a_dataset_takes_the_tables_of_three_sources(dataset: Path, tmp_path: Path) -> None:
    file = usitc.write(tmp_path, usitc.export())
    import_files("usitc", [file], dataset, ImportOptions(partners=("China",)), overwrite=True)
    choices = ImportOptions(partial=True, mapping=REGIONS_OF_BUNDLED)
    result = import_files("baci", baci(tmp_path), dataset, choices, only=("outcomes",), overwrite=True)
    assert result.simulated == ["outcomes.csv"], "the bundled outcomes were simulated, these are not"
    assert check_dataset(dataset) == []
    data = load_dataset(dataset)
    assert set(data["outcomes"]["country"]) <= set(data.countries)
    assert data["ree_use_panel"].set_index("year")["value"].to_dict() == {2009: 67, 2010: 114, 2011: 460}
    assert {"usitc.json", "baci.json", "baci_elements.csv", "mine_output.csv"} <= {
        p.name for p in (dataset / "sources").iterdir()
    }


def test_what_does_not_belong_is_told_by_the_check(dataset: Path, tmp_path: Path) -> None:
    import_files("euklems", tidy(tmp_path), dataset)
    said = {(p.message, p.value) for p in check_dataset(dataset)}
    assert said == {("unknown country", "GRC")}, "DEU is a region of the bundled dataset, GRC is part of one"


def test_the_command_points_at_what_is_still_called_simulated(dataset: Path, tmp_path: Path) -> None:
    files = [str(file) for file in baci(tmp_path)]
    command = [
        "data",
        "import",
        "baci",
        *files,
        "--partial",
        "--only",
        "outcomes",
        "--overwrite",
        "--out",
        str(dataset),
    ]
    said = typer.testing.CliRunner().invoke(app, command)
    assert said.exit_code == 0, said.output
    assert "dataset.toml still calls outcomes.csv simulated" in said.output


def test_arrays_route_gives_the_real_world_of_wiod(shared_data: Path, tmp_path: Path) -> None:
    file = shared_data / "wiod2013" / "wiod2013_2008.npz"
    if not file.is_file():
        pytest.skip("the folder ../shared/data/wiod2013 is not here")
    plain, known = (WORLD_SOURCES[name].table(file, 2008) for name in ("arrays", "wiod"))
    assert plain.regions == known.regions
    np.testing.assert_allclose(plain.trade, known.trade, rtol=1e-12)
    built = build_from_tables(file, 2008, tmp_path / "real", source="arrays", simulated=False)
    assert check_dataset(built) == []
    data = load_dataset(built)
    world = pd.read_csv(shared_data / "world2008_marginals.csv")
    china = data["value_added"].query("country == 'CHN'")["value"].sum()
    assert china == pytest.approx(world.query("country == 'CHN'")["value_added"].sum(), rel=0.01)
    assert not data.meta.synthetic


def test_the_table_of_sources_in_the_docs_is_whole(project: Path) -> None:
    page = (project / "docs" / "own-data.md").read_text(encoding="utf-8")
    for name, original in IMPORT_SOURCES.items():
        line = next(line for line in page.splitlines() if f"`data import {name}`" in line)
        assert original.licence.split(":")[0].replace("Open Licence ", "") in line or "redistribution" in line
        assert set(original.takes) <= {field.name for field in fields(ImportOptions)}
    assert all(f"--source {name}" in page or f"or `{name}`" in page for name in WORLD_SOURCES)


DAMAGE = (lambda b: b"", lambda b: b"\xff\xfe" + b[::-1])


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(
    ("source", "make"),
    [
        ("baci", baci),
        ("comtrade", lambda folder: [bulk(folder, records())]),
        ("comtrade", lambda folder: [answer(folder, records())]),
        ("euklems", workbooks),
        ("patentsview", lambda folder: patents(folder, zipped=True)),
        ("google-patents", patent_files.google),
        ("patstat", patent_files.patstat),
        ("usgs-ds140", lambda folder: [workbook(folder / "ds140.xlsx")]),
        ("usitc", lambda folder: [usitc.write(folder, usitc.export())]),
    ],
)
def test_damaged_files_are_refused_in_words(
    source: str, make: Callable[[Path], list[Path]], damage: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    files = make(tmp_path)
    files[0].write_bytes(damage(files[0].read_bytes()))
    with pytest.raises(InputError):
        import_files(source, files, tmp_path / "out")
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in files}
