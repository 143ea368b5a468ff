"""The TOML files a researcher edits: a study (model, data, priors, sampler, counterfactual) and its scenarios."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field, PrivateAttr

from reestim.errors import InputError, Problem
from reestim.io.files import stays_inside
from reestim.io.toml_files import Rows, at, find_file, key_rows, parse, read_text, validate
from reestim.study.inheritance import inherit
from reestim.study.prior import Prior
from reestim.study.scenario_file import check_scenario, read_scenario
from reestim.study.settings import STRICT, CounterfactualSpec, Evidence, Gates, Sampler
from reestim.wording import closest

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


class Spec(BaseModel):
    """One study: what a TOML file in ``models/`` says.

    Attributes
    ----------
    name : str
        Name of the study, and of its run folders.
    based_on : str, optional
        A study in the same folder that this one changes in places.
    description : str
        What it is about, in a sentence.
    model : str
        A Python file beside the study with ``build(data, priors)``, which returns a ``pm.Model`` or a ``NumpyroModel``.
    dataset : str
        Name of a bundled dataset, of a folder in ``data/``, or a path.
    evidence : Evidence
        Kinds of evidence that the likelihood is made of, and how they are used.
    priors : dict of str to Prior
        By name of the parameter, as in docs/model.md.
    sampler : Sampler
        How the posterior is drawn.
    gates : Gates
        What the draws must pass.
    counterfactual : CounterfactualSpec
        Scenarios, technologies, and draws that go through the equilibrium.

    See Also
    --------
    reestim.read_spec : Reads a study and lists all that is wrong with it.

    Examples
    --------
    >>> import reestim as ree
    >>> spec = ree.read_spec("models/substitution.toml")
    >>> fewer = spec.model_copy(update={"sampler": spec.sampler.model_copy(update={"chains": 2})})
    >>> spec.sampler.chains, fewer.sampler.chains
    (4, 2)
    >>> spec.hash == fewer.hash
    False
    """

    model_config = STRICT

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
        """Note the file that this study was read from.

        Parameters
        ----------
        path
            The file.
        text, base_text
            Its text, and that of the study that it is based on.

        Returns
        -------
        Spec
            The study itself.

        Examples
        --------
        >>> from pathlib import Path
        >>> spec = ree.read_spec("models/substitution.toml")
        >>> spec.as_read(Path("models/mine.toml"), "the text", "").path.name
        'mine.toml'
        """
        self._path, self._text, self._base_text = path, text, base_text
        return self

    def quick(self) -> Spec:
        """Make it a smoke run: two short chains, gates that only catch a broken sampler, few draws solved.

        Returns
        -------
        Spec
            A copy, whose ``is_quick`` is true.

        Examples
        --------
        >>> ree.read_spec("models/substitution.toml").quick().sampler.chains
        2
        """
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

    The model file and every scenario must exist in the study's folder or below, and each scenario is checked too.

    Parameters
    ----------
    path : str or Path
        The TOML file. It is seen from the working directory or, where nothing is there, from the files that ship with
        REEstim.

    Returns
    -------
    Spec
        The study, with the text of its file (``text``) and the hash of all that decides numbers (``hash``).

    Raises
    ------
    InputError
        Listing every problem of the study and of its scenarios, each with its line.

    Examples
    --------
    >>> import reestim as ree
    >>> spec = ree.read_spec("models/substitution.toml")
    >>> spec.evidence.price_lags
    [0]
    >>> spec.priors["kappa"].distribution
    'LogNormal'
    """
    path = find_file(path)
    text, problems = read_text(path)
    content, spec, base_text = None, None, ""
    if text is not None:
        content, problems = parse(text, str(path))
    if content is not None and text is not None:
        content, base_text, problems = inherit(content, path, key_rows(text))
        spec, field_problems = validate(Spec, content, str(path), text)
        problems = [*problems, *field_problems, *_file_problems(content, path, key_rows(text))]
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
            problems = list(_place_problems(path, loc, rows, scenario, ".toml"))
            yield from problems or check_scenario(path.parent / scenario)


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
