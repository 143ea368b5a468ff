"""Chunks on disk: read back as written, or computed again; nothing foreign is opened, nothing is ever unpickled."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr

from reestim.counterfactuals import chunk_store
from reestim.equilibrium.sweep import DrawSolutions


class Trap:
    """Unpickled, it leaves a file behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.touch, (self.mark,))


@pytest.fixture
def found() -> DrawSolutions:
    rng = np.random.default_rng(0)
    return DrawSolutions(
        {"welfare": rng.normal(size=(4, 3))}, np.ones(4, bool), np.full(4, 1e-13), np.arange(4), np.zeros(4, int)
    )


def test_a_chunk_comes_back_as_it_was(found: DrawSolutions, tmp_path: Path) -> None:
    chunk_store.save_chunk(tmp_path, "one", found)
    back = chunk_store.load_chunk(tmp_path, "one")
    assert back is not None
    np.testing.assert_array_equal(back.outcomes["welfare"], found.outcomes["welfare"])
    np.testing.assert_array_equal(back.steps, found.steps)
    assert chunk_store.load_chunk(tmp_path, "two") is None


def test_a_damaged_chunk_is_none(found: DrawSolutions, tmp_path: Path) -> None:
    chunk_store.save_chunk(tmp_path, "one", found)
    blocks = [p for p in (tmp_path / "one.zarr" / "welfare").rglob("*") if p.is_file() and p.name != "zarr.json"]
    assert blocks
    saved = blocks[0].read_bytes()
    blocks[0].unlink()
    assert chunk_store.load_chunk(tmp_path, "one") is None, "a missing block would be read as empty cells"
    blocks[0].write_bytes(saved[: len(saved) // 2])
    assert chunk_store.load_chunk(tmp_path, "one") is None
    blocks[0].write_bytes(saved)
    assert chunk_store.load_chunk(tmp_path, "one") is not None
    (tmp_path / "one.zarr" / "zarr.json").write_text("{")
    assert chunk_store.load_chunk(tmp_path, "one") is None


def test_a_planted_pickle_is_not_executed(found: DrawSolutions, tmp_path: Path) -> None:
    chunk_store.save_chunk(tmp_path, "one", found)
    place, mark = tmp_path / "one.zarr", tmp_path / "executed"
    about = {
        "zarr_format": 2,
        "shape": [1],
        "chunks": [1],
        "dtype": "|O",
        "compressor": None,
        "fill_value": None,
        "order": "C",
        "filters": [{"id": "pickle"}],
    }
    (place / "welfare" / ".zarray").write_text(json.dumps(about))
    (place / "welfare" / "0").write_bytes(pickle.dumps(np.array([Trap(mark)], object)))
    (place / ".zgroup").write_text('{"zarr_format": 2}')
    back = chunk_store.load_chunk(tmp_path, "one")
    assert back is not None, "the sound format 3 beside it is what is read"
    (place / "zarr.json").unlink()
    (place / "welfare" / "zarr.json").unlink()
    assert chunk_store.load_chunk(tmp_path, "one") is None
    assert not mark.exists()
    shutil.rmtree(place)
    group = zarr.open_group(place, mode="w", zarr_format=3)
    group.create_array("welfare", shape=(1,), dtype=str)
    assert chunk_store.load_chunk(tmp_path, "one") is None, "text, where numbers belong"
