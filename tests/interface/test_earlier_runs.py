"""Runs of earlier editions: what stood beside their record is read into it, and they can be written again."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import pytest
import xarray as xr

from reestim.errors import InputError
from reestim.results.effects import described_scenarios
from reestim.runs.record import RunRecord
from reestim.runs.store import load, save
from tests.interface.test_store import sealed


def test_attributes_of_an_earlier_run_are_repaired(post: xr.DataTree, tmp_path: Path) -> None:
    path = save(post, tmp_path / "first")
    with h5py.File(path / "posterior.nc", "a") as file:
        del file.attrs["reestim_attribute_types"]
        file["posterior"].attrs["sample_dims"] = '["chain", "draw"]'
        file["counterfactual"].attrs["scenarios"] = '{"quota": {"year": 2010}}'
        file["counterfactual"].attrs["note"] = "null"
        file["counterfactual"].attrs["whole"] = "true"
        file["economy"].attrs["rebasing"] = '{"moves": []}'
        known = json.loads(file.attrs["run"])
        del known["failed_refits"]
        for name in ("spec", "provenance", "gates"):
            file.attrs[name] = json.dumps(known.pop(name))
        file.attrs["run"] = json.dumps(known)
        group = file.create_group("refits")
        group.attrs["failed"] = '{"without-machinery": "no draws"}'
    text = json.loads((path / "run.json").read_text())
    del text["failed_refits"]
    (path / "run.json").write_text(json.dumps(text))
    sealed(path)
    back = load(path)
    assert RunRecord.of(back).spec.name == "fake"
    assert back["posterior"].attrs["sample_dims"] == ["chain", "draw"]
    assert described_scenarios(back["counterfactual"].to_dataset()) == {"quota": {"year": 2010}}
    assert back["economy"].attrs["rebasing"] == '{"moves": []}', "the equilibrium reads this as text"
    assert RunRecord.of(back).failed_refits == {"without-machinery": "no draws"}
    assert set(back.attrs) == {"run"}, "nothing stands beside the record"
    assert "failed" not in back["refits"].attrs
    assert back["counterfactual"].attrs["whole"] == 1
    back.to_netcdf(tmp_path / "plain.nc", engine="h5netcdf")
    again = xr.load_datatree(tmp_path / "plain.nc", engine="h5netcdf")
    assert RunRecord.of(again) == RunRecord.of(back)
    assert described_scenarios(again["counterfactual"].to_dataset()) == {"quota": {"year": 2010}}
    with h5py.File(path / "posterior.nc", "a") as file:
        file.attrs["reestim_attribute_types"] = '{"of nothing": "json"}'
    sealed(path)
    with pytest.raises(InputError, match="cannot be opened"):
        load(path)
