"""Nothing of the product looks at the truth: only the world writes it and only the scorer reads it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

from orchestration.errors import truth as truths
from orchestration.home import REPOSITORY

FOLDERS = ("dbt_project", "dashboards", "ingestion", "orchestration")
KINDS = {".py", ".sql", ".csv", ".yml", ".yaml", ".md", ".html", ".js"}
KNOWS_THE_TRUTH = ("ingestion/world/", "orchestration/errors/")
# Names of figures for readers; no page can select by them what the table of errors does not say.
NAMES_TROUBLES = ("dashboards/locales/ja.yml", "dashboards/locales/en.yml")
WORDS_OF_BOTH = {"free_mail"}  # mail of a provider, in the rules of companies
TRUTH_FILE = re.compile(r"\btruth[/\\]|['\"]truth['\"]|\btruth\.\w+", re.IGNORECASE)
MAY_INVENT = {"orchestration/cli/world.py", "orchestration/demo.py"}  # make a world's files, read none


def product() -> dict[str, str]:
    """Path from the repository -> text, of everything that could look at the truth and must not."""
    found = {}
    for folder in FOLDERS:
        for path in sorted((REPOSITORY / folder).rglob("*")):
            name = path.relative_to(REPOSITORY).as_posix()
            ours = path.suffix in KINDS and not re.search(r"/(target|logs|vendor|dbt_packages)/", name)
            if ours and path.is_file() and not name.startswith(KNOWS_THE_TRUTH):
                found[name] = path.read_text(encoding="utf-8")
    return found


def troubles() -> list[str]:
    settings = yaml.safe_load((REPOSITORY / "ingestion" / "world" / "world.yml").read_text(encoding="utf-8"))
    return sorted(settings["troubles"])


def names_of_the_world() -> list[str]:
    """Columns that only truth files have, and labels of troubles that are no word of daily speech."""
    columns = {name for table in truths.TABLES.values() for name in table if name.endswith("_key")}
    columns |= {"hazard_30d", "hazard_90d", "right_owner", "machine_kind", "need_product"}
    columns -= {"company_key", "row_key", "session_key"}  # the product's own: a company's folded name
    return sorted(columns | {label for label in troubles() if "_" in label} - WORDS_OF_BOTH)


def lines_with(pattern: re.Pattern[str], texts: dict[str, str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def test_no_model_macro_rule_page_or_module_reads_a_truth_file():
    found = lines_with(TRUTH_FILE, product())
    # A command may tell in its help what it writes.
    assert [line for line in found if "typer.Option(help=" not in line] == []


def test_no_model_macro_rule_page_or_module_holds_a_name_that_only_the_world_writes():
    texts = {name: text for name, text in product().items() if name not in NAMES_TROUBLES}
    words = "|".join(map(re.escape, names_of_the_world()))
    assert lines_with(re.compile(rf"\b({words})\b"), texts) == []


def test_one_word_labels_of_troubles_are_no_values_in_models_or_rules():
    words = "|".join(label for label in troubles() if "_" not in label)
    assert words, "without a label this test would look for nothing"
    texts = {name: text for name, text in product().items() if name.startswith("dbt_project/")}
    assert lines_with(re.compile(rf"['\"]({words})['\"]|(^|,)({words})(,|$)"), texts) == []


def test_the_search_finds_a_leak_where_there_is_one():
    leaks = {
        "model.sql": "select person_key from read_parquet('out/truth/people.parquet')",
        "rule.csv": "id,why\nforwarded_mail,because",
    }
    words = "|".join(map(re.escape, names_of_the_world()))
    assert len(lines_with(TRUTH_FILE, leaks)) == 1
    assert len(lines_with(re.compile(rf"\b({words})\b"), leaks)) == 2


def test_only_the_commands_that_invent_a_company_know_the_world():
    knowing = {
        name
        for name, text in product().items()
        if name.endswith(".py") and re.search(r"ingestion\.world|from \.world|import world", text)
    }
    assert knowing <= MAY_INVENT


def test_a_run_of_the_pipeline_loads_neither_the_world_nor_the_scorer():
    modules = "orchestration.run, orchestration.definitions, ingestion, dashboards"
    code = (
        f"import sys, {modules}; "
        "print([m for m in sys.modules if m.startswith(('orchestration.errors', 'ingestion.world'))])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip().splitlines()[-1] == "[]"


def test_the_files_that_the_product_reads_do_not_lie_beside_the_truth_of_anybody(tmp_path: Path):
    from ingestion.world import make

    make(tmp_path, people=4, days=5, seed=3)
    landed = {path.suffix for path in (tmp_path / "landing").rglob("*") if path.is_file()}
    assert ".parquet" not in landed
    assert not any("truth" in path.name for path in (tmp_path / "landing").rglob("*"))
