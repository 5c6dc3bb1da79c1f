"""``certify evaluate``: error rates measured on pairs you bring."""

from __future__ import annotations

import typer

app = typer.Typer(help="Measure error rates on your own data.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Measure error rates on your own data."""
