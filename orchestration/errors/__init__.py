"""The table of errors: marts of an invented world, compared with its truth.

    warehouse + truth  ->  ground.sql  ->  one .sql per area  ->  figures, worst first
                                                              ->  errors.json, errors.md, reporting.rpt_errors

What is measured stands in `measures.csv`; each area's SQL answers with (measure, trouble, value, n). Truth is
read here and nowhere else in the product.
"""

from __future__ import annotations

from orchestration.errors.figures import AREAS, Figure, judge
from orchestration.errors.kpi_errors import KpiError, judge_kpis
from orchestration.errors.score import invent, score
from orchestration.errors.table import as_json, as_markdown, shown_lines

__all__ = [
    "AREAS",
    "Figure",
    "KpiError",
    "as_json",
    "as_markdown",
    "invent",
    "judge",
    "judge_kpis",
    "score",
    "shown_lines",
]
