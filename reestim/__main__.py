"""``python -m reestim``: the command line."""

from reestim.cli import app

app(prog_name="reestim")
