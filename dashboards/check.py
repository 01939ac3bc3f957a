"""Every page in both languages on a file that is not public yet: the last gate before `publish` flips the
link.

candidate.duckdb + semantic_manifest.json + pages/*.md + locales/*.yml  ->  list of PageProblem (empty:
publish)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import yaml

from dashboards.frame import page_html
from dashboards.masks import write_views
from dashboards.metrics import Metrics
from dashboards.pages import PAGES, BadFilter, Page, read_page, render
from dashboards.publication import SERVING, Run, cursor_of, open_read_only, read_run
from dashboards.reading import PageTrouble, Reading
from dashboards.words import LANGUAGES, read_words

NOBODY = "nobody"


@dataclass(frozen=True)
class PageProblem:
    """One thing that would be wrong on a page: which page, block and language, and a sentence with the
    mend."""

    page: str
    block: str | None
    language: str
    sentence: str

    def __str__(self) -> str:
        where = f"pages/{self.page}.md" + (f", block '{self.block}'" if self.block else "")
        return f"{where} ({self.language}): {self.sentence}"


def check(
    database: Path, manifest: Path | None = None, *, pages: Path = PAGES, zone: str = "Asia/Tokyo"
) -> list[PageProblem]:
    """Problems of every page in both languages on the candidate file `database`, and of what a reader without
    personal data sees; an empty list when all is well.

    manifest: dbt's semantic_manifest.json, by default the one beside `database`. Missing tables and columns,
    metrics that cannot be expanded and words without a translation are problems; an empty table is none.
    Raises FileNotFoundError when there is no such file, duckdb.Error when it is no DuckDB file.
    """
    if not database.exists():
        raise FileNotFoundError(f"There is no file {database} to check the pages on. Run the build first.")
    connection = open_read_only(database)
    try:
        metrics = Metrics.read(manifest or database.parent / "semantic_manifest.json")
        return list(dict.fromkeys(_problems(connection, metrics, pages, zone)))
    finally:
        connection.close()


def _problems(
    connection: duckdb.DuckDBPyConnection, metrics: Metrics, pages: Path, zone: str
) -> Iterator[PageProblem]:
    write_views(connection, SERVING)
    cursor, masked = cursor_of(connection), cursor_of(connection, is_masked=True)
    try:
        run = read_run(cursor)
    except duckdb.Error as problem:
        run = Run("?", None, None)
        yield PageProblem("index", None, "ja", f"reporting.rpt_run is missing; publish writes it. {problem}")
    for path in sorted(pages.glob("*.md")):
        for language in LANGUAGES:
            try:
                page = read_page(path)
                yield from _page_problems(page, cursor, metrics, language, run, zone)
                if language == LANGUAGES[0]:
                    yield from _page_problems(page, masked, metrics, language, run, zone)
            except (KeyError, TypeError, yaml.YAMLError) as problem:
                yield PageProblem(path.stem, None, language, f"The front matter cannot be read: {problem!r}")
            except PageTrouble as trouble:
                yield PageProblem(trouble.page, trouble.block, language, trouble.sentence)


def _page_problems(
    page: Page, cursor: duckdb.DuckDBPyConnection, metrics: Metrics, language: str, run: Run, zone: str
) -> Iterator[PageProblem]:
    """Problems of one page in one language: its blocks first, each by itself, then the page as a whole."""
    words = read_words(language, zone)
    address = _examples(page, Reading(page, cursor, metrics, words, _nobody(page)))
    try:
        reading = Reading(page, cursor, metrics, words, address)
    except BadFilter as bad:
        yield PageProblem(
            page.name, None, language, f"The default or example of filter '{bad.name}' is no {bad.kind}."
        )
        return
    troubles = [*_block_troubles(reading)]
    page_html(reading, render(reading, must_exist=False, troubles=troubles), run, lambda path: path)
    # A block that fails does so again in each component that shows it: say it once.
    for trouble in {str(each): each for each in troubles}.values():
        yield PageProblem(trouble.page, trouble.block, language, trouble.sentence)
    for key in sorted(words.missing):
        yield PageProblem(page.name, None, language, f"locales/{language}.yml has no text '{key}'.")


def _block_troubles(reading: Reading) -> Iterator[PageTrouble]:
    for name in reading.page.blocks:
        try:
            reading.result(name)
        except PageTrouble as trouble:
            yield trouble


def _nobody(page: Page) -> dict[str, str]:
    return {each.name: NOBODY for each in page.filters.values() if each.type == "id"}


def _examples(page: Page, reading: Reading) -> dict[str, str]:
    """Parameters to render a page with: for an id, the first row of its `example` block, if there is one."""
    address = _nobody(page)
    for each in page.filters.values():
        rows = reading.result(each.example).rows if each.example else []
        if rows:
            address[each.name] = str(next(iter(rows[0].values())))
    return address
