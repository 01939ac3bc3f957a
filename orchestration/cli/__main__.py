"""`python -m orchestration.cli` is `ikusei`."""

from orchestration.cli import app

app()
