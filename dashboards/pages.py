"""A page: one Markdown file with front matter, ```sql blocks and component lines, and how it becomes HTML.

    ---
    title: {ja: 今月の成績, en: This month}
    section: overview                           # its heading in the menu (locales: sections.overview)
    order: 1                                    # place in the menu; absent: not in the menu
    roles: [sales, admin]                       # who may open it; absent: everybody
    filters:
      month: {type: month, options: months}     # ?month=2026-10, bound as $month
    ---
    # {{ t('index.heading') }}

    ```sql monthly
    select month, visitors from reporting.rpt_kpis_monthly where month <= $month order by month
    ```

    {{ line('monthly', x='month', y='visitors', title='index.visitors_by_month') }}

Component lines without an empty line between them stand side by side. The URL is the whole state of a page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from markdown_it import MarkdownIt

from dashboards.accounts import ROLES
from dashboards.components import Components
from dashboards.reading import NotThere, PageTrouble, Reading

PAGES = Path(__file__).parent / "pages"
SQL_BLOCK = re.compile(r"^```sql[ \t]+(\w+)[ \t]*\n(.*?)^```[ \t]*$\n?", re.MULTILINE | re.DOTALL)
FILTER_TYPES = ("month", "day", "choice", "number", "id")
# Raw HTML in a page is shown as text: what is HTML comes from the layouts alone.
MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


class BadFilter(ValueError):
    """A value in the URL that its filter does not allow: the reader's to mend, not the author's."""

    def __init__(self, name: str, kind: str) -> None:
        self.name, self.kind = name, kind
        super().__init__(name)


@dataclass(frozen=True)
class Filter:
    """One parameter of the URL. `options`: a block whose first column lists the values, the first is the
    default."""

    name: str
    type: str = "choice"
    default: Any = None
    options: str | None = None
    values: tuple[str, ...] = ()
    example: str | None = None

    def parse(self, text: str) -> Any:
        """The value to bind, from the text in the URL. Raises BadFilter."""
        try:
            return getattr(self, f"_{self.type}")(text)
        except ValueError as problem:
            raise BadFilter(self.name, self.type) from problem

    def _month(self, text: str) -> date:
        if not re.fullmatch(r"\d{4}-\d{2}", text, re.ASCII):
            raise ValueError(text)
        return date.fromisoformat(f"{text}-01")

    def _day(self, text: str) -> date:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            raise ValueError(text)
        return date.fromisoformat(text)

    def _number(self, text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
            raise ValueError(text)
        return int(text)

    def _id(self, text: str) -> str:
        if not re.fullmatch(r"[\w:.\-]{1,128}", text, re.ASCII):
            raise ValueError(text)
        return text

    def _choice(self, text: str) -> str:
        if len(text) > 100 or not text.isprintable() or (self.values and text not in self.values):
            raise ValueError(text)
        return text


@dataclass(frozen=True)
class Block:
    """One ```sql block: its name, its SQL, and the line of the file where the SQL starts."""

    name: str
    sql: str
    line: int


@dataclass(frozen=True)
class Page:
    """One file of `pages/`, read."""

    name: str
    title: dict[str, str]
    body: str
    blocks: dict[str, Block]
    filters: dict[str, Filter] = field(default_factory=dict)
    description: dict[str, str] = field(default_factory=dict)
    section: str | None = None
    order: int | None = None
    requires: str | None = None
    roles: tuple[str, ...] = ROLES

    def is_for(self, role: str) -> bool:
        """Whether a reader of this role may open the page."""
        return role in self.roles


def read_page(path: Path) -> Page:
    """A page from its file, read again when the file changed. Raises PageTrouble, OSError."""
    return _read_page(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _read_page(path: Path, changed_at: int) -> Page:
    text = path.read_text(encoding="utf-8")
    parts = re.fullmatch(r"---\n(.*?\n)---\n(.*)", text, re.DOTALL)
    if parts is None:
        raise PageTrouble(path.stem, None, "The file must open with front matter between two lines of ---.")
    front = yaml.safe_load(parts[1])
    blocks = {
        found[1]: Block(found[1], found[2], text.count("\n", 0, parts.start(2) + found.start(2)) + 1)
        for found in SQL_BLOCK.finditer(parts[2])
    }
    return Page(
        name=path.stem,
        title=front["title"],
        description=front.get("description", {}),
        section=front.get("section"),
        order=front.get("order"),
        requires=front.get("requires"),
        roles=tuple(front.get("roles", ROLES)),
        filters={name: _filter(path.stem, name, each) for name, each in (front.get("filters") or {}).items()},
        blocks=blocks,
        body=SQL_BLOCK.sub("", parts[2]),
    )


def _filter(page: str, name: str, declared: Mapping[str, Any]) -> Filter:
    if declared.get("type") not in FILTER_TYPES:
        raise PageTrouble(page, None, f"Filter '{name}' needs a type, one of {', '.join(FILTER_TYPES)}.")
    return Filter(name, **{**declared, "values": tuple(declared.get("values", ()))})


def read_pages(folder: Path = PAGES) -> dict[str, Page]:
    """Every page of the folder, in the order of the menu; pages without an order come last."""
    pages = [read_page(path) for path in sorted(folder.glob("*.md"))]
    return {page.name: page for page in sorted(pages, key=lambda page: (page.order is None, page.order or 0))}


@dataclass(frozen=True)
class Rendered:
    """A page's HTML (`body`), and the name and meaning of its columns."""

    body: str
    meanings: dict[str, tuple[str, str]]


def render(
    reading: Reading, *, must_exist: bool = True, troubles: list[PageTrouble] | None = None
) -> Rendered:
    """The HTML of a page for one reading.

    With a list of `troubles`, what a component raises is added to it and the page goes on, so that a check
    finds all of them at once.

    Raises PageTrouble (the author's), NotThere (what the page is about is absent, and `must_exist`).
    """
    page = reading.page
    if page.requires and must_exist and not reading.result(page.requires).rows:
        raise NotThere(page.name)
    components = Components(reading, troubles)
    try:
        text = _compiled(page.body).render(t=reading.words.text, **components.names())
    except (TemplateError, TypeError, ValueError, AttributeError) as problem:
        raise PageTrouble(page.name, None, str(problem)) from problem
    body = components.put_in(MARKDOWN.render(text))
    return Rendered(body, components.meanings)


@lru_cache(maxsize=64)
def _compiled(body: str) -> Template:
    """A page's body as a template; compiling it takes longer than filling it in. Raises TemplateError."""
    return SandboxedEnvironment(undefined=StrictUndefined).from_string(body)
