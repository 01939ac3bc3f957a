"""One reader's look at one page: the values of its filters, and the rows of its blocks on one published file.

URL parameters + Page + cursor + Metrics + Words  ->  rows, each block read once, when first needed
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import duckdb
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from dashboards.metrics import MetricProblem, Metrics
from dashboards.publication import Result, query
from dashboards.words import Words

if TYPE_CHECKING:
    from dashboards.pages import Filter, Page


class PageTrouble(Exception):
    """A page that cannot be rendered as its author wrote it: names the page, the block if any, and the
    mend."""

    def __init__(self, page: str, block: str | None, sentence: str) -> None:
        self.page, self.block, self.sentence = page, block, sentence
        where = f"page '{page}'" + (f", block '{block}'" if block else "")
        super().__init__(f"{where}: {sentence}")


class NotThere(LookupError):
    """The page is about one thing (`requires`), and that thing is not in the published data."""


class Reading:
    """A page, a cursor, and the parameters of a URL (`address`: raw text by name)."""

    def __init__(
        self,
        page: Page,
        cursor: duckdb.DuckDBPyConnection,
        metrics: Metrics,
        words: Words,
        address: Mapping[str, str],
    ) -> None:
        self.page, self.words, self.address = page, words, dict(address)
        self._cursor, self._metrics = cursor, metrics
        self._results: dict[str, Result] = {}
        self.parameters: dict[str, Any] = {"lang": words.language}
        for each in page.filters.values():
            self.parameters[each.name] = self._value_of(each)

    def _value_of(self, each: Filter) -> Any:
        text = self.address.get(each.name) or None
        if text is None and each.default is not None:
            text = str(each.default)
        if text is None and each.type == "month" and each.options:
            options = self.options(each)
            text = options[0] if options else None
        return None if text is None else each.parse(text)

    def options(self, each: Filter) -> list[str]:
        """The texts that a filter offers, from its `values` or the first column of its `options` block."""
        if each.options is None:
            return list(each.values)
        result = self.result(each.options)
        return [str(row[result.columns[0]]) for row in result.rows if row[result.columns[0]] is not None]

    def result(self, name: str) -> Result:
        """The rows of a block, `x_ja` and `x_en` folded into `x`. Raises PageTrouble."""
        if name not in self._results:
            self._results[name] = self.window(name, self.sql(name))
        return self._results[name]

    def window(self, name: str, sql: str) -> Result:
        """The rows of SQL made from block `name` (sorted, cut), folded as in `result`."""
        return _fold_languages(self.run(name, sql), self.words.language)

    def sql(self, name: str) -> str:
        """The SQL of a block with its metrics expanded."""
        if name not in self.page.blocks:
            known = ", ".join(self.page.blocks) or "none"
            raise PageTrouble(
                self.page.name, name, f"There is no ```sql block of this name. Blocks: {known}."
            )
        sql = self.page.blocks[name].sql
        if "{{" not in sql:
            return sql
        try:
            environment = SandboxedEnvironment(undefined=StrictUndefined)
            return environment.from_string(sql).render(metric=self._metrics.expand)
        except (MetricProblem, TemplateError) as problem:
            raise PageTrouble(self.page.name, name, str(problem)) from problem

    def run(self, name: str, sql: str) -> Result:
        """Rows of SQL that belongs to block `name`. Raises PageTrouble naming the page, the block and the
        line."""
        try:
            return query(self._cursor, sql, self.parameters)
        except (duckdb.Error, ValueError) as problem:
            sentence = " ".join(str(problem).split("\n\n")[0].split())
            line = self.page.blocks[name].line
            raise PageTrouble(
                self.page.name, name, f"{sentence} (pages/{self.page.name}.md, line {line})"
            ) from problem

    def url(self, page: str | None = None, **changes: Any) -> str:
        """The address of this page (or another) with changed parameters; None drops one. Language is kept."""
        kept = dict(self.address) if page is None else {}
        merged = {**kept, "lang": self.words.language, **changes}
        path = "" if (page or self.page.name) == "index" else page or self.page.name
        return (
            f"/{path}?{urlencode({name: value for name, value in merged.items() if value not in (None, '')})}"
        )


def _fold_languages(result: Result, language: str) -> Result:
    """Columns `x_ja` and `x_en` become one column `x` in the reader's language (the other where it is
    empty)."""
    pairs = {
        column[:-3]
        for column in result.columns
        if column.endswith("_ja") and f"{column[:-3]}_en" in result.columns
    }
    if not pairs:
        return result
    other = "en" if language == "ja" else "ja"
    columns = list(
        dict.fromkeys(c[:-3] if c[:-3] in pairs and c[-3:] in ("_ja", "_en") else c for c in result.columns)
    )
    rows = [
        {c: (row[f"{c}_{language}"] or row[f"{c}_{other}"]) if c in pairs else row[c] for c in columns}
        for row in result.rows
    ]
    return Result(columns, rows)
