"""Every model is written in the SQL that DuckDB and Spark both speak; what differs stands in `engine.sql`.

The text of each model is searched for constructs that one of the engines does not know or reads differently.
This is the cheap guard of every day; a build on the second engine is the full one.
"""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1] / "dbt_project"
MODELS = sorted((PROJECT / "models").rglob("*.sql"))

NOT_COMMON = {
    r"::": "cast(x as type) instead of x::type",
    r"\bqualify\b": "row_number() in a step of its own instead of qualify",
    r"\*\s*(exclude|replace)\b": "name the columns instead of * exclude or * replace",
    r"\barg_(max|min)\b": "max_by and min_by instead of arg_max and arg_min",
    r"\basof\b": "a range join instead of asof join",
    r"\brecursive\b": "the connected_components materialization instead of a recursive CTE",
    r"\b(list|struct)_\w+\(|\bunnest\(|\[\s*\d+\s*\]": "no list or struct syntax",
    r"\b(now|today|current_timestamp|current_date|localtimestamp|get_current_timestamp)\b\s*\(?": (
        "as_of_end() or as_of_date() instead of the machine's clock"
    ),
    r"\b(semi|anti)\s+join\b": "exists or not exists instead of semi and anti join",
    r"\bilike\b|\bregexp_\w+\(|~\s*'": "lower(x) like, or parse it in ingestion",
    r"\b(date_diff|datediff|date_add|strftime|epoch|to_minutes|string_agg|at time zone)\b": (
        "a macro of engine.sql or of dbt (dbt.datediff, dbt.dateadd)"
    ),
    r"\bdouble precision\b|\bhugeint\b|\bvarchar\b|\btext\b\s*\)": "types that both engines have",
    r"\bcreate\s+temp": "no temporary tables",
    r"\btarget\.(type|name)\b": "an engine branch belongs into macros/engine.sql",
}


def sql_of(path: Path) -> str:
    """The model's SQL without comments and without Jinja calls, lower case."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"\{#.*?#\}", " ", text, flags=re.S)
    text = re.sub(r"--[^\n]*", " ", text)
    branches = re.findall(r"target\.(?:type|name)", text)
    text = re.sub(r"\{\{.*?\}\}", " jinja ", text, flags=re.S)
    text = re.sub(r"\{%.*?%\}", " ", text, flags=re.S)
    text = re.sub(r"'(?:[^']|'')*'", "'text'", text)
    return (text + " " + " ".join(branches)).lower()


def test_there_are_models_of_every_stage() -> None:
    stages = {path.relative_to(PROJECT / "models").parts[0] for path in MODELS}
    assert [stage.split("_")[0] for stage in sorted(stages)] == list("123456789")


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_model_speaks_the_common_subset(path: Path) -> None:
    sql = sql_of(path)
    found = [
        f"{match.group(0).strip()!r}: {mend}"
        for pattern, mend in NOT_COMMON.items()
        for match in re.finditer(pattern, sql)
    ]
    assert not found, f"{path.relative_to(PROJECT)} uses {'; '.join(found)}"


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_ranking_names_its_order(path: Path) -> None:
    """A rank without an order depends on the order of the input."""
    sql = re.sub(r"\s+", " ", sql_of(path))
    for match in re.finditer(r"row_number\(\) over \((?:[^()]|\([^()]*\))*\)", sql):
        assert "order by" in match.group(0), f"{path.name}: row_number() without an order"


def test_the_guard_sees_what_it_should() -> None:
    for text in [
        "select a::int",
        "select * exclude (a)",
        "select now()",
        "select x[1]",
        "select regexp_matches(a, 'b')",
    ]:
        assert any(re.search(pattern, text) for pattern in NOT_COMMON), text
