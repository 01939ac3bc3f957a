"""Lets the browser tests import the nouns of `tests/`, such as `serving_file`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
