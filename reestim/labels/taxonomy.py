"""The four labels, and the versioned text that tells a language model what they mean."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from reestim.dims import LABELS
from reestim.errors import InputError, Problem
from reestim.io.toml_files import parse, read_text, validate
from reestim.wording import closest

PROMPTS = Path(__file__).parent / "prompts"
PROMPT_VERSION = "v1"

#: The answer that is asked for; a member is its own text (``Label.using == "using"``).
Label: Any = StrEnum("Label", {name: name for name in LABELS})


class _PromptFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: str
    instructions: str
    labels: dict[str, str]


@dataclass(frozen=True)
class Prompt:
    """What a language model is told: ``text`` is the system message, ``hash`` 16 hex digits of its SHA-256."""

    version: str
    text: str

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


def read_prompt(version: str = PROMPT_VERSION) -> Prompt:
    """The prompt of a version that ships with REEstim, or of a TOML file in the same layout.

    Raises
    ------
    InputError
        If there is no such version, or its file does not define every label of the taxonomy.
    """
    path = Path(version) if version.endswith(".toml") else PROMPTS / f"{version}.toml"
    if not path.exists() and path.parent == PROMPTS:
        versions = sorted(p.stem for p in PROMPTS.glob("*.toml"))
        raise InputError(Problem("there is no prompt of this version", closest(version, versions), value=version))
    text, problems = read_text(path)
    content, file_problems = parse(text, str(path)) if text is not None else (None, [])
    problems += file_problems
    parsed, file_problems = validate(_PromptFile, content, str(path), text or "") if content is not None else (None, [])
    problems += file_problems
    if parsed is not None:
        missing = [name for name in LABELS if not parsed.labels.get(name, "").strip()]
        unknown = [name for name in parsed.labels if name not in LABELS]
        advice = f"The table [labels] must say what each of {', '.join(LABELS)} means."
        problems += [Problem("the label is not defined", advice, file=str(path), column=f"labels.{n}") for n in missing]
        problems += [
            Problem("the label is not in the taxonomy", closest(name, LABELS), file=str(path), column=f"labels.{name}")
            for name in unknown
        ]
    if problems or parsed is None:
        raise InputError(problems, "the prompt cannot be used")
    defined = "\n".join(f"- {name}: {parsed.labels[name].strip()}" for name in LABELS)
    return Prompt(version=parsed.version, text=f"{parsed.instructions.strip()}\n{defined}\n")
