"""``reestim init``: a folder of one's own with everything that a study is made of."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from reestim.cli.command import Output, command

_NEXT = """
next:
  cd {folder}
  reestim run --quick      # a smoke run: does everything work here?
  reestim run              # the study itself, minutes

yours to edit:
  models/substitution.toml   priors, sampler, gates; models/substitution.py is the model itself
  models/scenarios/          policies; `reestim counterfactual RUN models/scenarios/NAME.toml` takes a run through one
  data/                      the datasets; data/README.md says how to make your own, `reestim data check` what is wrong
"""


@command(quiet=True)
def init(
    folder: Annotated[Path, typer.Argument(help="A new or an empty folder.", metavar="FOLDER")],
    *,
    output: Output,
) -> None:
    """Begin a study of your own: copies the models, the scenarios and the bundled datasets.

    Example: reestim init my-study
    """
    import shutil

    from reestim.cli.writing import free_place
    from reestim.io import resources
    from reestim.io.files import atomic_update

    free_place(folder, "FOLDER")
    passed_over = shutil.ignore_patterns("__pycache__", ".*")
    with atomic_update(folder.resolve()) as hidden:
        shutil.copytree(resources.MODELS, hidden / "models", ignore=passed_over)
        for dataset in resources.bundled():
            shutil.copytree(dataset, hidden / "data" / dataset.name, ignore=passed_over)
        shutil.copyfile(resources.DATA / "README.md", hidden / "data" / "README.md")
    if output.as_json:
        from reestim.cli import printing

        written = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        printing.print_json({"study": str(folder), "written": written})
        return
    typer.echo(f"study: {folder}")
    if not output.quiet:
        typer.echo(_NEXT.format(folder=shlex.quote(str(folder))), nl=False)
