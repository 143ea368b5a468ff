"""World tables that cannot be used: every reason is said, and nothing is written."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer.testing

from reestim.cli.app import app
from reestim.errors import InputError
from reestim.importers import concordance
from reestim.importers.sources import arrays, icio, tidy
from reestim.importers.world_tables import WORLD_SOURCES, table_problems
from tests.unit import wiod_files, world_files

POLICY_YEAR = 2010


def test_wrong_editions_give_one_list_and_nothing_is_written(tmp_path: Path) -> None:
    world_files.icio(tmp_path / "2008_SML.csv", ["D01T03", "D05T06", "C20"])
    run = typer.testing.CliRunner().invoke(
        app,
        [
            "data",
            "build",
            "--source",
            "icio",
            "--tables",
            str(tmp_path),
            "--out",
            str(tmp_path / "out"),
            "--json",
        ],
    )
    assert run.exit_code == 1
    problems = json.loads(run.output)["problems"]
    assert {p["value"] for p in problems if p["message"] == "unknown industry"} == {"D01T03", "D05T06"}
    assert not (tmp_path / "out").exists()
    frame = world_files.icio(tmp_path / "2009_SML.csv", ["C20", "C21"]).rename(index={"JPN_C21": "JPN_C22"})
    frame.drop(index="VA").to_csv(tmp_path / "2009_SML.csv")
    with pytest.raises(InputError, match=r"no column of its name(.|\n)*"):
        icio.read(tmp_path / "2009_SML.csv", 2009)
    (tmp_path / "2010_SML.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="no row of value added"):
        icio.read(tmp_path / "2010_SML.csv", 2010)
    world_files.wiod_sheet(tmp_path / "wiot09_row_apr12.xlsx", 2008, unit="(millions of euro)")
    with pytest.raises(InputError, match=r"not of 2009(.|\n)*not millions of US"):
        WORLD_SOURCES["wiod"].table(tmp_path / "wiot09_row_apr12.xlsx", 2009)
    (tmp_path / "16").mkdir()
    (tmp_path / "16" / "WIOT2008_Nov16_ROW.xlsb").write_bytes(b"x")
    said = [p.message for p in table_problems(WORLD_SOURCES["wiod"], tmp_path / "16", 2008, POLICY_YEAR)]
    assert any("--source wiod2016" in message for message in said)
    for source, name in (("icio", "2016-2022_SML.zip"), ("wiod2016", "WIOTS_in_EXCEL.zip")):
        (tmp_path / source).mkdir()
        (tmp_path / source / name).write_bytes(b"x")
        said = [p.message for p in table_problems(WORLD_SOURCES[source], tmp_path / source, 2010, POLICY_YEAR)]
        assert any("unpack it" in message for message in said)


def test_archives_that_would_run_code_or_hold_other_units_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "IOT_2008_ixi.zip"
    listed = {"Z": {"name": "Z.pickle", "nr_index_col": "2", "nr_header": "2"}, "Y": {"name": "Y.txt"}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/file_parameters.json", json.dumps({"systemtype": "IOSystem", "files": listed}))
        archive.writestr("x/Z.pickle", b"cos\nsystem\n(S'touch /tmp/reestim-was-here'\ntR.")
    with pytest.raises(InputError, match="run code"):
        WORLD_SOURCES["exiobase"].table(path, 2008)
    world_files.exiobase(path, unit="tonnes")
    with pytest.raises(InputError, match="the unit is not million euro"):
        WORLD_SOURCES["exiobase"].table(path, 2008)
    path.write_bytes(b"cut off")
    with pytest.raises(InputError, match="cannot be read"):
        WORLD_SOURCES["exiobase"].table(path, 2008)


def test_tidy_tables_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    path = tmp_path / "w_2008.csv"
    world_files.tidy(path, ["farming", "chemicals"])
    lines = path.read_text().splitlines()
    lines[1] = lines[1].replace(",farming,CHN,farming,", ",farming,CHN,farmin,")
    lines[3] = lines[2]
    lines[5] = lines[5].rsplit(",", 1)[0] + ",12 million"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError) as caught:
        tidy.read(path, 2008)
    assert "12 million" in str(caught.value)
    lines[5] = lines[4].replace(",CHN,farming", ",CHN,chemicals")
    path.write_text("\n".join(lines[:5] + lines[6:]) + "\n")
    with pytest.raises(InputError) as caught:
        tidy.read(path, 2008)
    said = str(caught.value)
    assert "unknown use. Did you mean 'farming'?" in said
    assert "row 4, value" in said
    path.write_text("exporter,input,value\nCHN,farming,1\n")
    with pytest.raises(InputError, match=r"'importer': the column is missing(.|\n)*'use': the column is missing"):
        tidy.read(path, 2008)


def test_industries_of_ones_own_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "industries.csv"
    path.write_text(
        "industry,name,sector,ree_weight,caliendo_parro\nfarms,farms,agriculture,0.9,Agriculture\n"
        "works,works,chemicals,1,Chemicalz\n"
    )
    with pytest.raises(InputError) as caught:
        concordance.industry_facts(["farms", "works", "shops"], path)
    said = str(caught.value)
    for part in ("They sum to 0.9", "Did you mean 'Chemicals'", "value 'shops': the industry has no row"):
        assert part in said


def test_two_files_of_one_year_are_refused(tmp_path: Path) -> None:
    for name in ("one_2008.npz", "two_2008.npz"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match="two files are of 2008"):
        arrays.files(tmp_path)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("icio", "2008_SML.csv"),
        ("exiobase", "IOT_2008_ixi.zip"),
        ("wiod", "wiot08_row_apr12.xlsx"),
        ("tidy", "mine_2008.csv"),
        ("arrays", "mine_2008.npz"),
    ],
)
def test_a_pipe_is_no_table(source: str, name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    said = [p.message for p in table_problems(WORLD_SOURCES[source], tmp_path, 2008, POLICY_YEAR)]
    assert said == ["it is a pipe or a device, not a file"]


def test_arrays_that_are_damaged_or_pickled_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine_2008.npz"
    sound: dict[str, Any] = wiod_files.arrays(2008)
    np.savez(path, **sound)
    raw = path.read_bytes()
    np.savez(path, **sound | {"output": sound["output"].astype(object)})
    pickled = path.read_bytes()
    np.savez(path, **sound | {"countries": np.array("CHN")})
    with pytest.raises(InputError, match="labels must stand in a row"):
        arrays.read(path, 2008)
    for figure in (np.nan, -1e300, 1e300):
        np.savez(path, **sound | {"output": sound["output"] * figure})
        with pytest.raises(InputError, match="something else than numbers"):
            arrays.read(path, 2008)
    for content in (raw[: len(raw) // 2], raw[:100], pickled, b""):
        path.write_bytes(content)
        with pytest.raises(InputError, match="the file cannot be read"):
            arrays.read(path, 2008)
