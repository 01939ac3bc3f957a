"""From a block's rows to HTML: kpis, line, bars, funnel, table, timeline, heatmap, card, and the glossary.

Each component shapes rows into plain data here and hands them to its macro in `layouts/components.html`,
where everything is escaped. Numbers, tables and drawings are in the HTML; a chart has its table beside it.
A component leaves a token in the Markdown, and `put_in` sets its HTML in the token's place, so rows never
pass through the Markdown parser.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dashboards import charts, tables
from dashboards.changes import change
from dashboards.publication import Result
from dashboards.reading import PageTrouble, Reading
from dashboards.words import NOTHING, read_glossary

LAYOUTS = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "layouts"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TOKEN = re.compile(r"component-token-(\d+)")
PARAGRAPH = re.compile(r"<p>((?:component-token-\d+\s*)+)</p>")
SHADES = 7


class Components:
    """The component functions of one page for one reading; names that start with `_` are not offered to
    authors."""

    def __init__(self, reading: Reading, troubles: list[PageTrouble] | None = None) -> None:
        self.reading, self.words, self.troubles = reading, reading.words, troubles
        self.meanings: dict[str, tuple[str, str]] = {}
        self._pieces: list[str] = []

    def names(self) -> dict[str, Callable[..., str]]:
        """What a page may call."""
        offered = (
            self.kpis,
            self.line,
            self.bars,
            self.funnel,
            self.table,
            self.timeline,
            self.heatmap,
            self.card,
            self.glossary,
        )
        return {function.__name__: self._noting_trouble(function) for function in offered}

    def _noting_trouble(self, function: Callable[..., str]) -> Callable[..., str]:
        if self.troubles is None:
            return function

        def component(*arguments: Any, **named: Any) -> str:
            try:
                return function(*arguments, **named)
            except PageTrouble as trouble:
                self.troubles.append(trouble)
                return ""

        return component

    def put_in(self, html: str) -> str:
        """The page's HTML with each token replaced; tokens of one paragraph stand side by side."""

        def row(found: re.Match[str]) -> str:
            pieces = [self._pieces[int(number)] for number in TOKEN.findall(found[1])]
            return pieces[0] if len(pieces) == 1 else f'<div class="row">{"".join(pieces)}</div>'

        return PARAGRAPH.sub(row, html)

    # -- components --------------------------------------------------------------------------------

    def kpis(
        self,
        block: str,
        columns: Sequence[str],
        by: str | None = None,
        title: str | None = None,
        provisional: dict[str, str] | None = None,
        link: str | None = None,
    ) -> str:
        """Cards with a number each. With `by`, the row where that column equals the filter of the same name
        is shown and the other row is what it is compared with. `provisional` names, per column, the boolean
        column that says whether the number is mature yet. `link` is a page that explains a number: it is
        called with `?kpi=<column>` and this page's month."""
        rows = self._result(block, *columns, *([by] if by else [])).rows
        now = next((row for row in rows if by is None or row[by] == self.reading.parameters[by]), None)
        before = next((row for row in rows if row is not now), None) if by else None
        cards = (
            [self._kpi(column, now, before, (provisional or {}).get(column), link) for column in columns]
            if now
            else []
        )
        return self._piece("kpis", cards=cards, title=self._title(title))

    def line(
        self, block: str, x: str, y: str | Sequence[str], title: str | None = None, unit: str | None = None
    ) -> str:
        """Lines over time. Each column of `y` is one line; all share one unit, which the column `unit` names
        where the columns' names do not."""
        return self._chart(charts.lines, block, x, y, title, unit)

    def bars(self, block: str, x: str, y: str | Sequence[str], title: str | None = None) -> str:
        """Horizontal bars, one group for each row."""
        return self._chart(charts.bars, block, x, y, title)

    def funnel(self, block: str, step: str, count: str, title: str | None = None) -> str:
        """Bars by step, each with its rate from the step before and from the first."""
        rows = self._result(block, step, count).rows
        top = max((row[count] or 0 for row in rows), default=0)
        first = rows[0][count] if rows else None
        steps = []
        for position, row in enumerate(rows):
            before = rows[position - 1][count] if position else None
            steps.append(
                {
                    "name": self.words.value(step, row[step]),
                    "meaning": self.words.meaning(row[step]),
                    "count": self._value(count, row[count]),
                    "width": round(100 * float(row[count] or 0) / top, 2) if top else 0,
                    "rate": self._ratio(row[count], before) if position else None,
                    "whole": self._ratio(row[count], first) if position else None,
                }
            )
        first_name = steps[0]["name"] if steps else None
        return self._piece("funnel", steps=steps, title=self._title(title), first=first_name)

    def table(
        self,
        block: str,
        title: str | None = None,
        hide: Sequence[str] = (),
        link: dict[str, str] | None = None,
        total: Sequence[str] = (),
        sort: str | None = None,
        size: int | None = None,
        empty: str | None = None,
        unit: str | None = None,
    ) -> str:
        """A table of the block's rows, with a CSV of all of them.

        link: {column shown: 'page?parameter=column'}. total: columns to sum in a last line. sort: 'column
        desc', which makes the headings links. size: rows a page. unit: the column (not shown) that names
        the unit of the row's value and its parts.
        """
        order, result, count, number = tables.window(self.reading, block, sort, size)
        columns = [column for column in result.columns if column not in (*hide, unit)]
        self._explain(columns)
        numbers = {column for column in columns if tables.is_number(result, column)}
        rows = [
            [
                tables.cell(self.reading, column, row, (link or {}).get(column), column in numbers, unit)
                for column in columns
            ]
            for row in result.rows
        ]
        totals = tables.totals(self.reading, block, columns, total) if total and rows else []
        return self._piece(
            "table",
            block=block,
            title=self._title(title),
            headings=[
                tables.heading(self.reading, block, column, order, result) | {"word": self._word(column)}
                for column in columns
            ],
            rows=rows,
            totals=totals,
            count=count,
            pager=tables.pager(self.reading, block, number, size, count),
            csv=tables.csv_address(self.reading, block),
            empty=self.words.text(empty or "interface.no_rows"),
            shown=len(rows),
        )

    def timeline(self, block: str, title: str | None = None, size: int = tables.ROWS_SHOWN) -> str:
        """Deeds in time, in the block's order, `size` a page. Needs occurred_at, time_precision and what; may
        have detail, channel, points, is_machine, was_anonymous."""
        rows = self._result(block, "occurred_at", "time_precision", "what").rows
        number = tables.page_number(self.reading, block, len(rows), size)
        on_page = rows[(number - 1) * size : number * size]
        days = groupby(on_page, key=lambda row: self.words.local(row["occurred_at"]).date())
        return self._piece(
            "timeline",
            block=block,
            days=[
                {"day": day.isoformat(), "deeds": [self._deed(row) for row in deeds]} for day, deeds in days
            ],
            title=self._title(title),
            shown=len(on_page),
            count=len(rows),
            pager=tables.pager(self.reading, block, number, size, len(rows)),
        )

    def heatmap(
        self,
        block: str,
        row: str,
        column: str,
        value: str,
        title: str | None = None,
        mature: str | None = None,
    ) -> str:
        """A table of `value` by `row` and `column`, shaded by size; a cell whose `mature` is false is
        marked."""
        result = self._result(block, row, column, value)
        across = self.words.in_order(column, {each[column] for each in result.rows})
        top = max((float(each[value]) for each in result.rows if each[value] is not None), default=0.0)
        lines = []
        for key, cells in groupby(result.rows, key=lambda each: each[row]):
            found = {each[column]: each for each in cells}
            lines.append(
                (
                    self._value(row, key),
                    [self._shaded(found.get(each), value, top, mature) for each in across],
                )
            )
        heads = [self._value(column, each) for each in across]
        self._explain([value])
        return self._piece(
            "heatmap",
            lines=lines,
            heads=heads,
            corner=f"{self.words.label(row)} / {self.words.label(column)}",
            title=self._title(title),
            mature=mature,
            shown={"label": self.words.label(value), "word": self._word(value)},
        )

    def card(
        self,
        block: str,
        columns: Sequence[str],
        name: str | None = None,
        title: str | None = None,
        link: dict[str, str] | None = None,
    ) -> str:
        """One row as a list of names and values, under the row's `name` if given; `link` as in `table`."""
        rows = self._result(block, *columns, *([name] if name else [])).rows
        self._explain(columns)
        links = link or {}
        pairs = [
            {
                "name": self.words.label(column),
                "value": self._value(column, rows[0][column]),
                "url": tables.link_of(self.reading, links[column], rows[0]) if column in links else None,
            }
            for column in (columns if rows else ())
        ]
        heading = (rows[0][name] or NOTHING) if name and rows else self._title(title)
        return self._piece("card", pairs=pairs, title=heading)

    def glossary(self) -> str:
        """Every word of `glossary.yml` and every column with a meaning, in the reader's language."""
        return self._piece("glossary", parts=read_glossary(self.words))

    # -- parts -------------------------------------------------------------------------------------

    def _piece(self, macro: str, **values: Any) -> str:
        """Render a macro, keep its HTML, and leave its token for the Markdown."""
        macros = LAYOUTS.get_template("components.html").make_module({"t": self.words.text})
        self._pieces.append(str(getattr(macros, macro)(**values)))
        return f"component-token-{len(self._pieces) - 1}"

    def _result(self, block: str, *columns: str) -> Result:
        """The rows of a block that has at least these columns."""
        result = self.reading.result(block)
        absent = [column for column in columns if column not in result.columns]
        if absent:
            has = ", ".join(result.columns)
            raise PageTrouble(
                self.reading.page.name, block, f"It selects no column '{absent[0]}'; it has {has}."
            )
        return result

    def _title(self, key: str | None) -> str | None:
        return self.words.text(key) if key else None

    def _value(self, column: str, value: Any) -> str:
        return self.words.value(column, value)

    def _explain(self, columns: Sequence[str]) -> None:
        """Note the meanings of columns that are shown, for the list at the foot of the page."""
        for column in columns:
            meaning = self.words.meaning(column)
            if meaning:
                self.meanings[column] = (self.words.label(column), meaning)

    def _word(self, column: str) -> str | None:
        """The column, when the page tells its meaning: its heading then opens it."""
        return column if column in self.meanings else None

    def _ratio(self, part: Any, whole: Any) -> str:
        return (
            self.words.value("step_rate", float(part) / float(whole))
            if part is not None and whole
            else NOTHING
        )

    def _kpi(
        self,
        column: str,
        now: dict[str, Any],
        before: dict[str, Any] | None,
        mature: str | None,
        link: str | None,
    ) -> dict[str, Any]:
        self._explain([column])
        month = self.reading.address.get("month")
        return {
            "url": self.reading.url(link, kpi=column, month=month) if link else None,
            "label": self.words.label(column),
            "value": self._value(column, now[column]),
            "meaning": self.words.meaning(column),
            "change": change(self.words, column, now[column], before[column]) if before else None,
            "mark": self._mark(now[column], mature is not None and now[mature] is False),
        }

    def _mark(self, value: Any, is_young: bool) -> str | None:
        if not is_young:
            return None
        return self.words.text("interface.not_yet" if value is None else "interface.provisional")

    def _chart(
        self,
        draw: Callable[..., dict[str, Any]],
        block: str,
        x: str,
        y: str | Sequence[str],
        title: str | None,
        unit: str | None = None,
    ) -> str:
        columns = [y] if isinstance(y, str) else list(y)
        result = self._result(block, x, *columns, *([unit] if unit else []))
        self._explain(columns)
        drawing = draw(self.words, result, x, columns, unit) if result.rows else None
        rows = [
            [self._value(x, row[x]), *(charts.told(self.words, row, column, unit) for column in columns)]
            for row in result.rows
        ]
        headings = [
            {"label": self.words.label(column), "word": self._word(column)} for column in (x, *columns)
        ]
        return self._piece("chart", drawing=drawing, headings=headings, rows=rows, title=self._title(title))

    def _deed(self, row: dict[str, Any]) -> dict[str, Any]:
        has_time = row["time_precision"] != "day"
        return {
            "time": self.words.local(row["occurred_at"]).strftime("%H:%M") if has_time else None,
            "what": row["what"] or NOTHING,
            "detail": row.get("detail"),
            "channel": self._value("channel", row["channel"]) if row.get("channel") else None,
            "points": self._value("points", row["points"]) if row.get("points") else None,
            "is_machine": bool(row.get("is_machine")),
            "was_anonymous": bool(row.get("was_anonymous")),
            "is_offline": not has_time,
        }

    def _shaded(
        self, row: dict[str, Any] | None, value: str, top: float, mature: str | None
    ) -> dict[str, Any]:
        if row is None:
            return {"text": "", "shade": 0, "open": False}
        if row[value] is None:
            return {"text": "…" if mature and not row[mature] else NOTHING, "shade": 0, "open": False}
        share = float(row[value]) / top if top > 0 else 0.0
        shade = math.ceil(share * SHADES) if share > 0 else 0
        return {
            "text": self._value(value, row[value]),
            "shade": shade,
            "open": bool(mature and not row[mature]),
        }
