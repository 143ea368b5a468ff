"""The parts of the record of a run (`reestim.runs.record`): study, data, verdict of the gates, solved draws, refit."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from reestim.dims import CHAIN, DRAW, SCENARIO, TECHNOLOGY
from reestim.errors import InputError, Problem
from reestim.io.files import sha256
from reestim.io.json_text import json_text, json_value

if TYPE_CHECKING:
    import xarray as xr

    from reestim.data.dataset import Dataset
    from reestim.study.spec import Spec


#: Fields of the record of the data, and the attributes of the groups that say the same.
_ECONOMY = {"dataset": "name", "base_year": "base_year"}
_INPUTS = {"dataset": "dataset", "hash": "dataset_hash"}


class _Part(BaseModel):
    """Fields of another version, or of a user, are kept as they are."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


class StudyRecord(_Part):
    """The study: its text, and hashes of what it says, of its model file, and of its text."""

    name: str = ""
    description: str | None = ""
    hash: str | None = None
    text: str | None = None
    file: str | None = None
    model: str | None = None
    path: str | None = None
    model_sha256: str | None = None
    sampler: dict[str, Any] | None = None
    based_on: str | None = None
    base_text: str | None = None
    text_sha256: str | None = None

    @classmethod
    def of(cls, spec: Spec) -> StudyRecord:
        """What a run notes of its study."""
        return cls(
            name=spec.name,
            description=spec.description,
            hash=spec.hash,
            text=spec.text,
            file=spec.path.name if spec.path else None,
            model=spec.model,
            path=str(spec.path.resolve()) if spec.path else None,
            model_sha256=sha256(spec.model_path),
            sampler=spec.sampler.model_dump(mode="json"),
            based_on=spec.based_on,
            base_text=spec.base_text,
            text_sha256=_text_sha256(spec.text, spec.base_text),
        )

    @property
    def has_its_text(self) -> bool:
        """Whether text and hash of the text belong together; a record without a hash says nothing."""
        return self.text_sha256 in (None, _text_sha256(self.text, self.base_text))


def _text_sha256(text: str | None, base_text: str | None) -> str:
    """Hash of the text of a study, with that of the study it is based on."""
    return hashlib.sha256(f"{text or ''}\0{base_text or ''}".encode()).hexdigest()


class DataRecord(_Part):
    """The dataset as the study uses it; ``synthetic``, ``imputed``, ``recalled`` and ``updated`` are lists of
    files."""

    dataset: str = ""
    hash: str | None = None
    path: str | None = None
    base_year: int | None = None
    policy_year: int | None = None
    synthetic: tuple[str, ...] | None = None
    imputed: tuple[str, ...] = ()
    recalled: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: Dataset, unused: Collection[str]) -> DataRecord:
        """What a run notes of its dataset. ``unused``: stems of files of evidence that the study leaves aside
        (`reestim.estimate.inputs.unused_files`); they are not among its inputs."""
        meta = data.meta
        aside = {f"{stem}.csv" for stem in unused}
        return cls(
            dataset=meta.name,
            hash=data.hash,
            path=str(data.path),
            base_year=meta.base_year,
            policy_year=meta.policy_year,
            synthetic=tuple(file for file in meta.synthetic if file not in aside),
            imputed=tuple(file for file in meta.imputed if file not in aside),
            recalled=tuple(file for file in data.recalled if file not in aside),
            updated=tuple(meta.updated),
            notes=tuple(meta.notes),
        )

    @staticmethod
    def found_in(post: xr.DataTree) -> dict[str, Any]:
        """What the groups economy and constant_data say of the data, for a run that was made in Python."""
        content: dict[str, Any] = {}
        if "economy" in post.children:
            attrs = post["economy"].attrs
            content |= {mine: attrs[key] for mine, key in _ECONOMY.items() if key in attrs}
            for name in ("synthetic", "imputed", "recalled"):  # "simulated files: a.csv, b.csv"
                files = str(attrs.get(name, "")).partition(": ")[2]
                content[name] = [file.strip() for file in files.split(",") if file.strip()]
        if "constant_data" in post.children:
            attrs = post["constant_data"].attrs
            content |= {mine: attrs[key] for mine, key in _INPUTS.items() if key in attrs}
        return content


class TransferRecord(_Part):
    """The other economy that the draws were carried to, and how (`reestim.counterfactuals.transfer`)."""

    dataset: str = ""
    hash: str | None = None
    path: str | None = None
    base_year: int | None = None
    synthetic: tuple[str, ...] = ()
    imputed: tuple[str, ...] = ()
    recalled: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    ratio_sd: float = 0.0
    absent: str = "refuse"
    seed: int = 0
    matched: tuple[str, ...] = ()
    from_population: tuple[str, ...] = ()
    left_aside: tuple[str, ...] = ()
    own_trade_elasticity: tuple[str, ...] = ()
    without_width: tuple[str, ...] = ()  # parameters of a horizon that are one number in all draws


class GateRecord(_Part):
    """One gate; ``value`` is None where it could not be computed."""

    gate: str
    value: float | None = None
    threshold: float | None = None
    passed: bool
    where: str = ""


class Verdict(_Part):
    """What the gates say of the draws (`reestim.estimate.gates.GateReport`)."""

    passed: bool = True
    gates: tuple[GateRecord, ...] = ()


class SolvedCount(_Part):
    """How many draws of a scenario have an equilibrium."""

    scenario: str
    technology: str
    solved: int
    draws: int

    @classmethod
    def of(cls, post: xr.DataTree) -> tuple[SolvedCount, ...]:
        """Those of the group ``counterfactual``."""
        solved = post["counterfactual"].to_dataset()["solved"]
        counts = solved.sum((CHAIN, DRAW))
        draws = int(solved.sizes[CHAIN] * solved.sizes[DRAW])
        return tuple(
            cls(
                scenario=str(scenario),
                technology=str(technology),
                solved=int(counts.sel({SCENARIO: scenario, TECHNOLOGY: technology})),
                draws=draws,
            )
            for scenario in solved[SCENARIO].values
            for technology in solved[TECHNOLOGY].values
        )


class CounterfactualRecord(_Part):
    """How a group ``counterfactual`` was computed: its attributes, written and read here alone.

    ``scenarios``: what each is, by name (`reestim.counterfactuals.counterfactual.summarise_scenario`), JSON text among
    the attributes; ``parameters_from_posterior``: those that vary over draws; ``draws``: how many, of how many.
    """

    tolerance: float = 1e-12
    supply: str = "independent"
    scenarios: dict[str, Any] = {}
    parameters_from_posterior: tuple[str, ...] = ()
    inputs: str = "fixed"
    draws: str = ""

    @classmethod
    def of(cls, attrs: Mapping[Any, Any]) -> CounterfactualRecord:
        """What the attributes of a group say; what an earlier edition did not write has its default.

        Raises InputError where they hold something else.
        """
        known = {name: attrs[name] for name in cls.model_fields if name in attrs}
        try:
            if "scenarios" in known:
                known["scenarios"] = json_value(known["scenarios"])
            return cls.model_validate(known, strict=False)
        except ValueError as error:
            problem = Problem("a group of scenarios is not as REEstim writes it", "Compute it again", value=str(known))
            raise InputError(problem, "the record of the run cannot be read") from error

    def attributes(self) -> dict[str, Any]:
        """The attributes of the group, as netCDF holds them."""
        out = self.model_dump() | {"scenarios": json_text(self.scenarios)}
        return out | {"parameters_from_posterior": list(self.parameters_from_posterior)}


class RefitRecord(_Part):
    """What a refit was made from: its name, the change in words, and the hashes by which it is known again."""

    name: str
    words: str = ""
    study: str = ""
    model: str | None = None
    data: str | None = None
    seed: int | None = None
    reestim: str = ""
    scenarios: dict[str, Any] = {}
