"""``python -m reestim``: the command line."""

from reestim.cli.app import app

app(prog_name="reestim")
