"""What is known of a run: ``run.json``, and the attribute ``run`` of its tree. It is written and read here alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reestim.errors import InputError, Problem
from reestim.intervals import INTERVAL
from reestim.io.files import strict_json
from reestim.io.json_text import json_text
from reestim.runs.earlier import beside_the_record, stored_value
from reestim.runs.parts import DataRecord, RefitRecord, SolvedCount, StudyRecord, TransferRecord, Verdict
from reestim.runs.versions import version, versions

if TYPE_CHECKING:
    import xarray as xr

#: Version of the layout of a run folder; raised when an older REEstim could no longer read it.
SCHEMA = 1
#: Attribute of a tree that holds its record, as JSON text.
ATTRIBUTE = "run"


class RunRecord(BaseModel):
    """Everything that is known of a run besides its numbers.

    What a run has not come to yet, or does not say, has its default. A field that an earlier or later REEstim, or a
    user (``ree.save(post, path, note="...")``), has put beside these is kept as it is.

    Attributes
    ----------
    reestim, packages, created, layout
        Version of REEstim and of the packages that made it; when, ISO 8601 in UTC; version of the layout of its folder.
    command, quick, seed
        The command line, whether it is a smoke run, and the seed of its draws.
    spec, provenance
        The study and the dataset that it was made from, with their hashes.
    gates, allowed_gates
        What the gates say of the draws (None: they were not judged), and the gates that may fail.
    scenarios, solved
        Texts of the scenario files by name; how many draws were solved in each, by technology.
    diagnosed, left_out
        Whether what judges the fit was computed (`reestim.pipeline.diagnostics`), and what could not be, with reasons.
    sampler, sampling_seconds, timings
        Settings of the sampler, the time it took and that of each stage, seconds of wall time.
    interval
        Kind and level of the intervals that it prints.
    failed_refits
        Refits of the run that were not possible, with reasons.
    refit
        Of a refit inside a run: what it was made from.
    transfer
        Of draws that were carried to the economy of another dataset: which, and how.
    sha256
        Hash of ``posterior.nc``; only of a run that was loaded from a folder.

    Examples
    --------
    >>> import reestim as ree
    >>> import xarray as xr
    >>> post = ree.RunRecord(seed=7).attached(xr.DataTree())
    >>> ree.RunRecord.of(post).seed
    7
    """

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, populate_by_name=True)

    layout: int = Field(default=SCHEMA, alias="schema")
    reestim: str | None = None
    created: str | None = None
    command: str | None = None
    quick: bool = False
    seed: int | None = None
    interval: dict[str, Any] | None = Field(default_factory=lambda: dict(INTERVAL))
    spec: StudyRecord = StudyRecord()
    provenance: DataRecord = DataRecord()
    sampler: dict[str, Any] | None = None
    sampling_seconds: float | None = None
    gates: Verdict | None = None
    allowed_gates: tuple[str, ...] = ()
    scenarios: dict[str, Any] = {}
    solved: tuple[SolvedCount, ...] = ()
    diagnosed: bool = Field(default=False, alias="judged")
    left_out: dict[str, str] = {}
    timings: dict[str, float | None] = {}
    failed_refits: dict[str, str] = {}
    refit: RefitRecord | None = None
    transfer: TransferRecord | None = None
    packages: dict[str, str] = {}
    sha256: str | None = None

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> RunRecord:
        """The record that JSON values describe.

        Parameters
        ----------
        content
            Fields by name; None stands for what is not known.

        Returns
        -------
        RunRecord
            Fields that it does not know are kept as they are.

        Raises
        ------
        InputError
            One problem a field that holds something else than REEstim writes.

        Examples
        --------
        >>> ree.RunRecord.read({"seed": 3, "note": "mine"}).note
        'mine'
        """
        fields = {name: value for name, value in strict_json(content).items() if value is not None}
        try:
            return cls.model_validate_json(json.dumps(fields))
        except ValidationError as error:
            raise InputError(
                [
                    Problem(
                        "it holds something else than REEstim writes there",
                        "Restore it, or run it again.",
                        column=".".join(map(str, one["loc"])),
                        value=one["input"],
                    )
                    for one in error.errors()
                ],
                "the record of the run cannot be read",
            ) from error

    @classmethod
    def of(cls, post: xr.DataTree) -> RunRecord:
        """The record of a tree: the one attached to it, with what its groups say of the data.

        Parameters
        ----------
        post
            A run, in memory or loaded.

        Returns
        -------
        RunRecord
            What is not known has its default.

        Raises
        ------
        InputError
            If the attributes of the tree are not such a record.

        Examples
        --------
        >>> ree.RunRecord.of(post).quick
        False
        """
        stored = stored_value(post.attrs.get(ATTRIBUTE, {}))
        if not isinstance(stored, Mapping):
            message = "the attribute `run` of the tree is not a record of a run"
            raise InputError(Problem(message, "Use RunRecord.attached.", value=stored))
        said = {name: value for name, value in stored.items() if value not in (None, {}, [])}
        record = cls.read(beside_the_record(post) | said)
        if record.provenance == DataRecord():
            record = record.but(provenance=cls.read({"provenance": DataRecord.found_in(post)}).provenance)
        return record

    def attached(self, post: xr.DataTree) -> xr.DataTree:
        """Attach this record to a tree.

        Parameters
        ----------
        post
            The tree.

        Returns
        -------
        xarray.DataTree
            The tree itself.

        Examples
        --------
        >>> ree.RunRecord.of(ree.RunRecord(seed=3).attached(post.copy())).seed
        3
        """
        post.attrs[ATTRIBUTE] = json_text(self.as_json())
        return post

    def but(self, **changes: Any) -> RunRecord:
        """A copy with other values of some fields.

        Parameters
        ----------
        **changes
            Fields by name.

        Returns
        -------
        RunRecord

        Examples
        --------
        >>> ree.RunRecord(seed=3).but(seed=4).seed
        4
        """
        return self.model_copy(update=changes)

    def updated(self, content: Mapping[str, Any]) -> RunRecord:
        """The same record with what JSON values say.

        Parameters
        ----------
        content
            Fields by name.

        Returns
        -------
        RunRecord

        Raises
        ------
        InputError
            As `read`.

        Examples
        --------
        >>> ree.RunRecord(seed=3).updated({"quick": True}).quick
        True
        """
        return type(self).read(self.as_json() | dict(content))

    def of_this_save(self, post: xr.DataTree) -> RunRecord:
        """The record to save with a tree by this REEstim.

        Version, packages and numbers of solved draws are those of now; a time that is stated stays.

        Parameters
        ----------
        post
            The tree.

        Returns
        -------
        RunRecord

        Examples
        --------
        >>> ree.RunRecord(seed=3).of_this_save(post).reestim == ree.__version__
        True
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return self.but(
            layout=SCHEMA,
            reestim=version("reestim"),
            packages=versions(),
            created=self.created or now,
            solved=SolvedCount.of(post) if "counterfactual" in post.children else (),
            sha256=None,
        )

    def as_json(self) -> dict[str, Any]:
        """The contents of ``run.json``.

        Returns
        -------
        dict
            Strict JSON values; what is not known is None.

        Examples
        --------
        >>> ree.RunRecord(seed=3).as_json()["seed"]
        3
        """
        return strict_json(self.model_dump(mode="json", by_alias=True))

    def gates_passed(self) -> bool:
        """Say whether the sampler passed every gate but those allowed by name.

        Returns
        -------
        bool
            True for draws that were not judged.

        Examples
        --------
        >>> ree.RunRecord().gates_passed()
        True
        """
        if self.gates is None or self.gates.passed:
            return True
        failed = {gate.gate for gate in self.gates.gates if not gate.passed}
        return bool(failed) and failed <= set(self.allowed_gates)
