"""Every figure of speed and memory, with its target and whether it is met, one line each.

    make bench                                      # all of it, full sizes
    make bench BENCH_ARGS="--quick"                 # smaller sizes
    make bench BENCH_ARGS="web_log email_events"    # some benches only
    make bench BENCH_ARGS="--json figures.json"     # the figures as JSON too

A bench is a module of this folder with a function

    def measure(size: str) -> list[Figure]: ...     # size is 'full' or 'quick'; Figure is in figure.py

and nothing else is needed: a module that has it is found, run in a process of its own with this folder and
the repository on its path (`from figure import Figure`), and its figures are printed. It makes its own files
in a temporary folder, prints nothing to stdout, and gives a target (`at_least` or `at_most`) where one is
promised. Ratios are of two ways measured in one run, wall and processor seconds both, since other work on
the machine moves the wall clock. The exit code is 0 whether targets are met or not, 1 if a bench broke.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from figure import Figure

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]


def main() -> None:
    """Measures bench after bench and prints; exits with 1 if one of them broke."""
    asked = _arguments()
    if asked.into:
        _measure_here(asked.benches[0], asked.size, asked.into)
        return
    print(_machine(), flush=True)
    found: dict[str, list[Figure]] = {}
    broken = []
    for bench in asked.benches or benches():
        began = time.monotonic()
        figures = _measured(bench, asked.size)
        print(f"\n{bench} ({time.monotonic() - began:.0f} s)", flush=True)
        if figures is None:
            broken.append(bench)
            print(f"  broke: run `{sys.executable} {__file__} {bench}` to see why", flush=True)
            continue
        found[bench] = figures
        print("\n".join(map(_line, figures)), flush=True)
    _say_the_sum(found, broken)
    if asked.json:
        told = {bench: [dataclasses.asdict(figure) for figure in figures] for bench, figures in found.items()}
        asked.json.write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
    sys.exit(1 if broken else 0)


def benches() -> list[str]:
    """The modules of this folder that have a function `measure`, by name."""
    return [file.stem for file in sorted(HERE.glob("*.py")) if "\ndef measure(" in file.read_text("utf-8")]


def _measured(bench: str, size: str) -> list[Figure] | None:
    """The figures of one bench, measured in a process of its own; None if it broke."""
    paths = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
    with tempfile.TemporaryDirectory(prefix="ikusei-bench-") as folder:
        into = Path(folder) / "figures.json"
        done = subprocess.run(
            [sys.executable, __file__, bench, "--size", size, "--into", str(into)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
            stdout=sys.stderr,
        )
        if done.returncode or not into.exists():
            return None
        return [Figure(**figure) for figure in json.loads(into.read_text("utf-8"))]


def _measure_here(bench: str, size: str, into: Path) -> None:
    figures = importlib.import_module(bench).measure(size)
    into.write_text(json.dumps([dataclasses.asdict(figure) for figure in figures]), encoding="utf-8")


def _line(figure: Figure) -> str:
    verdict = {True: "met", False: "NOT MET", None: ""}[figure.is_met]
    return (
        f"  {figure.name:<44} {figure.value:>12,.3f} {figure.unit:<7} {figure.target:<10} {verdict:<8}"
        f" {figure.why}"
    ).rstrip()


def _say_the_sum(found: dict[str, list[Figure]], broken: list[str]) -> None:
    told = [(bench, figure) for bench, figures in found.items() for figure in figures]
    missed = [f"{bench}: {figure.name}" for bench, figure in told if figure.is_met is False]
    met = sum(figure.is_met is True for _, figure in told)
    print(f"\n{met} targets met, {len(missed)} not met, {len(broken)} benches broke")
    for name in missed:
        print(f"  not met: {name}")


def _machine() -> str:
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, load {load:.1f} at the start, Python {platform.python_version()}"
        f", DuckDB {version('duckdb')}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("benches", nargs="*", help="modules of this folder; all of them if none is named")
    parser.add_argument("--quick", dest="size", action="store_const", const="quick", default="full")
    parser.add_argument("--size", choices=["full", "quick"], help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, help="a file that gets the figures as JSON")
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if unknown := sorted(set(asked.benches) - set(benches())):
        parser.error(f"{unknown[0]} is no bench: choose from {', '.join(benches())}")
    return asked


if __name__ == "__main__":
    main()
