"""From dbt's semantic manifest to SQL: `{{ metric('action_rate_literal') }}` inside a page's SQL block.

A metric becomes a select expression over its measure's own table, so the author writes

    select form_kind, {{ metric('form_passes') }} as form_passes from funnel.fct_form_passes group by
    form_kind

or, with a period, a value that brings its own tables with it, so that a ratio may divide one table by
another:

    select month, {{ metric('action_rate_literal', since='month', until='month + interval 1 month') }} as
    action_rate from months

Limits, each refused with a sentence: simple and ratio metrics only; measures that are sum, count or
count_distinct; without a period, both sides of a ratio in one table; filters on dimensions and entities of
the measure's own model. No joins, no time spine, no cumulative or derived metrics: for those, publish a
`rpt_` table. `fill_nulls_with` is honoured. `since` and `until` are SQL that may name columns of the
author's query and its $parameters.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import SandboxedEnvironment

AGGREGATES = {"sum": "sum({})", "count": "count({})", "count_distinct": "count(distinct {})"}


class MetricProblem(ValueError):
    """A metric that is missing, or that a page cannot expand."""


class Metrics:
    """The metrics of one `semantic_manifest.json` (dbt 1.11 layout)."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        self._metrics = {metric["name"]: metric for metric in manifest.get("metrics") or []}
        self._measures = {
            measure["name"]: (measure, model)
            for model in manifest.get("semantic_models") or []
            for measure in model.get("measures") or []
        }

    @classmethod
    def read(cls, path: Path) -> Metrics:
        """Metrics from `path`; none when the file is absent, so that pages without metrics still render."""
        return cls._read(path, path.stat().st_mtime_ns) if path.exists() else cls({})

    @classmethod
    @lru_cache(maxsize=8)
    def _read(cls, path: Path, changed_at: int) -> Metrics:
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def expand(self, name: str, since: str | None = None, until: str | None = None) -> str:
        """The SQL expression of a metric, in brackets; with `since` (inclusive) and `until` (exclusive),
        both SQL, the value for that period.

        Raises MetricProblem, a sentence that names the metric and the mend.
        """
        if (since is None) != (until is None):
            raise MetricProblem(f"Metric '{name}' needs both since and until, or neither.")
        period = (since, until) if since is not None and until is not None else None
        return self._metric(name, [], period)[0]

    def _metric(self, name: str, filters: list[str], period: tuple[str, str] | None) -> tuple[str, str]:
        """The expression of a metric under further filters, and the name of its semantic model."""
        metric = self._metrics.get(name)
        if metric is None:
            known = ", ".join(sorted(self._metrics)) or "none (semantic_manifest.json was not found)"
            raise MetricProblem(f"There is no metric '{name}'. Metrics: {known}.")
        filters = filters + _templates(metric)
        parameters = metric["type_params"]
        if metric["type"] == "simple":
            return self._measure(name, parameters["measure"], filters, period)
        if metric["type"] == "ratio":
            return self._ratio(name, parameters, filters, period)
        raise MetricProblem(
            f"Metric '{name}' is {metric['type']}; pages expand simple and ratio metrics only."
        )

    def _ratio(
        self, name: str, parameters: dict[str, Any], filters: list[str], period: tuple[str, str] | None
    ) -> tuple[str, str]:
        top, bottom = parameters["numerator"], parameters["denominator"]
        numerator, model = self._metric(top["name"], filters + _templates(top), period)
        denominator, other = self._metric(bottom["name"], filters + _templates(bottom), period)
        if model != other and period is None:
            raise MetricProblem(
                f"Metric '{name}' divides '{model}' by '{other}', two tables: give it since and until."
            )
        return f"(cast({numerator} as double) / nullif({denominator}, 0))", model

    def _measure(
        self, metric: str, use: dict[str, Any], filters: list[str], period: tuple[str, str] | None
    ) -> tuple[str, str]:
        if use["name"] not in self._measures:
            raise MetricProblem(
                f"Metric '{metric}' uses measure '{use['name']}', which no semantic model has."
            )
        measure, model = self._measures[use["name"]]
        if measure["agg"] not in AGGREGATES:
            allowed = ", ".join(AGGREGATES)
            raise MetricProblem(
                f"Measure '{measure['name']}' is {measure['agg']}; pages expand {allowed} only."
            )
        sql = AGGREGATES[measure["agg"]].format(measure.get("expr") or measure["name"])
        conditions = [_condition(metric, template, model) for template in filters + _templates(use)]
        if conditions:
            sql += f" filter (where {' and '.join(f'({condition})' for condition in conditions)})"
        if use.get("fill_nulls_with") is not None:
            sql = f"coalesce({sql}, {int(use['fill_nulls_with'])})"
        return f"({_in_period(sql, measure, model, period) if period else sql})", model["name"]


def _in_period(sql: str, measure: dict[str, Any], model: dict[str, Any], period: tuple[str, str]) -> str:
    """The aggregate over the model's own table, where the measure's time is in the period."""
    name = measure.get("agg_time_dimension") or (model.get("defaults") or {}).get("agg_time_dimension")
    times = [each.get("expr") or name for each in model.get("dimensions") or [] if each["name"] == name]
    if not times:
        raise MetricProblem(f"Measure '{measure['name']}' has no agg_time_dimension, so it has no period.")
    table = f'"{model["node_relation"]["schema_name"]}"."{model["node_relation"]["alias"]}"'
    since, until = period
    return f"select {sql} from {table} where {times[0]} >= {since} and {times[0]} < {until}"


def _templates(part: dict[str, Any]) -> list[str]:
    """The filter templates of a metric, an input or a measure."""
    return [each["where_sql_template"] for each in (part.get("filter") or {}).get("where_filters", [])]


def _condition(metric: str, template: str, model: dict[str, Any]) -> str:
    """SQL of a filter such as `{{ Dimension('step__kind') }} = 'form'` on the model's own columns."""

    def column(reference: str, parts: tuple[str, ...] = ("dimensions", "entities")) -> str:
        name = re.sub(r"^.*__", "", reference)
        for part in parts:
            for each in model.get(part) or []:
                if each["name"] == name:
                    return each.get("expr") or name
        raise MetricProblem(
            f"Metric '{metric}' filters by '{reference}', which '{model['name']}' does not have."
        )

    def time_column(reference: str, grain: str = "day") -> str:
        return f"date_trunc('{grain}', {column(reference)})"

    try:
        return (
            SandboxedEnvironment()
            .from_string(template)
            .render(Dimension=column, TimeDimension=time_column, Entity=column)
        )
    except TemplateError as problem:
        raise MetricProblem(f"Metric '{metric}' has a filter that pages cannot read: {template}") from problem
