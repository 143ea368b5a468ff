"""The TOML files a researcher edits: a study (model, data, priors, sampler, counterfactual) and its scenarios."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator

from reestim.errors import InputError, Problem, closest
from reestim.io.files import stays_inside
from reestim.io.toml_files import Rows, at, find, key_rows, parse, read_text, validate
from reestim.study.inheritance import inherit
from reestim.study.prior import Prior
from reestim.study.scenario_file import check_scenario, read_scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CounterfactualSpec",
    "Evidence",
    "Gates",
    "Prior",
    "Sampler",
    "Spec",
    "read_scenario",
    "read_spec",
]

#: Longest lag of a price, years.
MAX_LAG = 10

_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)


class Evidence(BaseModel):
    """Which blocks of the likelihood are used (docs/model.md section 4), and how."""

    model_config = _STRICT

    patents: bool = True  # equations (12)–(13)
    label_error: bool = True  # False: labels are taken for the true classes, the audit is left aside
    event_study: bool = True
    ree_use: bool = True  # equation (15)
    #: Years between a price and what it induces; of several, the weights are estimated (prior ``lag_weights``).
    price_lag: int | list[int] = 1
    #: Patents are the flow into knowledge, not its level: it closes the share λ of its distance to the long run a year
    #: (priors ``adjustment_rate``, ``knowledge_growth``).
    transition: bool = False
    #: The bundle of elements is CES with ρ estimated (prior ``element_elasticity``), not Cobb–Douglas.
    element_elasticity: bool = False
    #: The event study is predicted by the equilibrium, not in closed form: models/equilibrium_in_the_loop.toml.
    equilibrium: bool = False
    #: From the panel. Absent: exports and tfp, as far as the dataset has them (patents come in through their own block,
    #: and here they would count twice). Stated: exactly these ([]: none), and a missing one is an error.
    event_outcomes: list[Literal["exports", "tfp", "patents"]] | None = None
    #: The same for published effects (event_study.csv); absent: all there, patents only where ``patents`` is off.
    published_outcomes: list[Literal["exports", "tfp", "patents"]] | None = None

    @field_validator("price_lag")
    @classmethod
    def _lags(cls, lag: int | list[int]) -> int | list[int]:
        lags = [lag] if isinstance(lag, int) else lag
        if not lags or len(set(lags)) < len(lags) or not all(0 <= k <= MAX_LAG for k in lags):
            raise ValueError(f"lags are whole years from 0 to {MAX_LAG}, each once")
        return lag

    @model_validator(mode="after")
    def _one_lag_in_transition(self) -> Evidence:
        if self.transition and not isinstance(self.price_lag, int):
            raise ValueError("in transition knowledge has lags of its own: give one price_lag")
        return self

    @model_validator(mode="after")
    def _equilibrium_alone(self) -> Evidence:
        if self.equilibrium and not self.event_study:
            raise ValueError("the equilibrium predicts the event study: set event_study = true")
        if self.equilibrium and (self.transition or self.element_elasticity or len(self.price_lags) > 1):
            raise ValueError(
                "with equilibrium = true give one price_lag, and neither transition nor element_elasticity: "
                "each year is one long-run equilibrium at given prices"
            )
        return self

    @property
    def price_lags(self) -> list[int]:
        """The lags as a list, ascending."""
        return [self.price_lag] if isinstance(self.price_lag, int) else sorted(self.price_lag)


class Sampler(BaseModel):
    """How the posterior is drawn. ``draws`` and ``tune`` are per chain."""

    model_config = _STRICT

    name: Literal["nutpie", "numpyro", "blackjax", "pymc"] = "nutpie"
    draws: int = Field(default=500, ge=1, le=1_000_000)
    tune: int = Field(default=1000, ge=0, le=1_000_000)
    chains: int = Field(default=4, ge=1, le=1_000)
    target_accept: float = Field(default=0.9, gt=0, lt=1)
    max_tree_depth: int = Field(default=10, ge=1, le=20)  # a trajectory takes up to 2^depth - 1 steps


class Gates(BaseModel):
    """What the draws must pass before they count as a posterior."""

    model_config = _STRICT

    max_divergences: int = Field(default=0, ge=0)
    max_r_hat: float = Field(default=1.01, gt=1)
    min_ess: float = Field(default=400.0, gt=0)  # bulk and tail, the smallest over all parameters
    min_e_bfmi: float = Field(default=0.3, ge=0)  # of the worst chain
    max_saturated: float = Field(default=0.01, ge=0, le=1)  # share of draws that ended at the largest tree depth


class CounterfactualSpec(BaseModel):
    """Scenario files beside the study, technologies, and how many posterior draws go through the equilibrium."""

    model_config = _STRICT

    scenarios: list[str] = []
    technology: list[Literal["fixed", "directed", "frontier", "transition"]] = Field(
        default=["fixed", "directed"], min_length=1
    )
    from_year: int | None = Field(default=None, ge=1900, le=2100)  # first and last year of the transition
    to_year: int | None = Field(default=None, ge=1900, le=2100)
    draws: int | None = Field(default=None, ge=1)  # absent: all

    @model_validator(mode="after")
    def _years_of_a_transition(self) -> CounterfactualSpec:
        asked, given = "transition" in self.technology, self.from_year is not None or self.to_year is not None
        if len(set(self.technology)) < len(self.technology):
            raise ValueError("name each technology once")
        if self.technology == ["transition"]:
            raise ValueError('a transition needs "directed" (the long run) or "fixed" beside it')
        if asked and (self.from_year is None or self.to_year is None or self.from_year > self.to_year):
            raise ValueError("a transition needs from_year and to_year, the first not after the last")
        if given and not asked:
            raise ValueError('from_year and to_year are for a transition: add "transition" to technology')
        return self

    @property
    def years(self) -> range | None:
        """The consecutive years of the transition, if there is one."""
        return None if self.from_year is None or self.to_year is None else range(self.from_year, self.to_year + 1)


class Spec(BaseModel):
    """One study. ``path``, ``text`` and ``hash`` say which file it came from (empty when made in Python).

    ``model`` is a Python file beside the study with ``build(data, priors) -> pm.Model``; ``dataset`` is the name of a
    folder in ``data/`` or a path.
    """

    model_config = _STRICT

    name: str = Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]*$")
    based_on: str | None = None  # a study in the same folder that this one changes in places
    description: str = ""
    model: str
    dataset: str = Field(min_length=1)
    evidence: Evidence = Evidence()
    priors: dict[str, Prior] = {}
    sampler: Sampler = Sampler()
    gates: Gates = Gates()
    counterfactual: CounterfactualSpec = CounterfactualSpec()

    _path: Path | None = PrivateAttr(default=None)
    _text: str = PrivateAttr(default="")
    _base_text: str = PrivateAttr(default="")
    _quick: bool = PrivateAttr(default=False)

    @property
    def path(self) -> Path | None:
        """The TOML file this study was read from."""
        return self._path

    @property
    def text(self) -> str:
        """The file as it was read; for a study made in Python, its JSON."""
        return self._text or self.model_dump_json(indent=1)

    @property
    def base_text(self) -> str:
        """The file that this study is based on, as it was read; empty where it stands alone."""
        return self._base_text

    @property
    def hash(self) -> str:
        """SHA-256 of everything that decides the numbers: the study itself (comments do not count)."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def is_quick(self) -> bool:
        """True for a smoke run: its numbers show that the program works, not what the answer is."""
        return self._quick

    @property
    def folder(self) -> Path:
        """Folder that ``model`` and ``counterfactual.scenarios`` are seen from."""
        return self._path.parent if self._path else Path()

    @property
    def model_path(self) -> Path:
        """The Python file with ``build``."""
        return self.folder / self.model

    @property
    def dataset_location(self) -> str | Path:
        """What ``load_dataset`` takes: a path beside the study if there is such a folder, else the text as given."""
        beside = self.folder / self.dataset
        try:
            return beside if "/" in self.dataset and beside.is_dir() else self.dataset
        except OSError:  # longer than a path can be: load_dataset says so
            return self.dataset

    @property
    def scenario_paths(self) -> tuple[Path, ...]:
        """The scenario files."""
        return tuple(self.folder / scenario for scenario in self.counterfactual.scenarios)

    def as_read(self, path: Path, text: str, base_text: str) -> Spec:
        """This study, which now knows the file that it was read from."""
        self._path, self._text, self._base_text = path, text, base_text
        return self

    def quick(self) -> Spec:
        """The same study as a smoke run: two short chains, gates that only catch a broken sampler, few draws solved."""
        few = {"draws": min(self.sampler.draws, 50), "tune": min(self.sampler.tune, 150), "chains": 2}
        solved = min(self.counterfactual.draws or 10, 10)
        changed = self.model_copy(
            update={
                "sampler": self.sampler.model_copy(update=few),
                "gates": Gates(
                    max_divergences=few["draws"], max_r_hat=2.0, min_ess=2.0, min_e_bfmi=0.0, max_saturated=1.0
                ),
                "counterfactual": self.counterfactual.model_copy(update={"draws": solved}),
            }
        )
        changed._quick = True
        return changed


def read_spec(path: str | Path) -> Spec:
    """Read and check a study.

    ``path`` is seen from the working directory or, where nothing is there, from the files that ship with REEstim. The
    model file and every scenario must exist in the study's folder or below, and each scenario is checked too.

    Raises
    ------
    InputError
        Listing every problem of the study and of its scenarios.
    """
    path = find(path)
    text, problems = read_text(path)
    content, spec, base_text = None, None, ""
    if text is not None:
        content, problems = parse(text, str(path))
    if content is not None and text is not None:
        content, base_text, problems = inherit(content, path, key_rows(text))
        spec, found = validate(Spec, content, str(path), text)
        problems = [*problems, *found, *_file_problems(content, path, key_rows(text))]
    if spec is None or text is None or problems:
        raise InputError(problems, f"the study {str(path)!r} cannot be used")
    return spec.as_read(path, text, base_text)


def _file_problems(content: dict[str, object], path: Path, rows: Rows) -> Iterator[Problem]:
    """Files that the study names: they lie in its folder, exist, and the scenarios are sound.

    Works on the raw content, so that a typo elsewhere in the study does not hide what is wrong here.
    """
    model = content.get("model")
    if isinstance(model, str):
        yield from _place_problems(path, ("model",), rows, model, ".py")
    table = content.get("counterfactual")
    scenarios = table.get("scenarios") if isinstance(table, dict) else None
    for i, scenario in enumerate(scenarios if isinstance(scenarios, list) else []):
        if isinstance(scenario, str):
            loc = ("counterfactual", "scenarios", i)
            found = list(_place_problems(path, loc, rows, scenario, ".toml"))
            yield from found or check_scenario(path.parent / scenario)


def _place_problems(spec: Path, loc: tuple[str | int, ...], rows: Rows, given: str, suffix: str) -> Iterator[Problem]:
    target = spec.parent / given
    message = advice = ""
    if not stays_inside(spec.parent, given):
        message, advice = "this path leaves the folder of the study", "Copy the file beside the study."
    elif target.suffix != suffix:
        message, advice = f"this is not a {suffix} file", f"Give a path that ends in {suffix}."
    elif not target.is_file():
        here = [str(p.relative_to(spec.parent)) for p in sorted(spec.parent.glob(f"**/*{suffix}"))]
        message, advice = "there is no such file", closest(given, here)
    if message:
        yield at(str(spec), loc, rows, message, advice, value=given)
