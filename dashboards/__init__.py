"""Pages for people: Markdown files with SQL blocks, read from the published DuckDB file, served as HTML.

    pages/*.md + locales/*.yml  ->  pages.py (SQL)  ->  components.py (HTML)  ->  server.py (HTTP)
                                         ^
          serving/serving.duckdb (a link that `publish` flips; publication.py resolves it once a request)

Authors edit `pages/`, `locales/` and nothing else. `check` renders every page on a file that is not yet
public.
"""

from dashboards.check import PageProblem, check
from dashboards.server import create_app, serve

__all__ = ["PageProblem", "check", "create_app", "serve"]
