"""The pages: what readers see of one published file, and what `check` says of a file before it is
published."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import threading
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
import yaml
from serving_file import FORMULA, HOSTILE_NAME, publish_file, write_serving_file
from starlette.testclient import TestClient

import dashboards
from dashboards import exposures
from dashboards.csv_file import guard_formula
from dashboards.metrics import MetricProblem, Metrics
from dashboards.pages import PAGES, read_pages
from dashboards.publication import Publication, open_read_only, query
from dashboards.words import LANGUAGES, LOCALES, choose_language, read_words
from orchestration.home import PROJECT

ADDRESSES = [
    "/",
    "/?month=2026-03",
    "/leads",
    "/leads?tier=latent&score_band=hot",
    "/lead?person_id=p0000",
    "/health",
    "/errors",
]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("serving")
    publish_file(folder, "run-1")
    return folder


@pytest.fixture(scope="module")
def reader(serving: Path) -> TestClient:
    return TestClient(dashboards.create_app(serving))


class Text(HTMLParser):
    """The text that a reader without JavaScript sees: no scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.inside = [], []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag in ("script", "style"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.words.append(data)


def text_of(html: str) -> str:
    parser = Text()
    parser.feed(html)
    return " ".join(" ".join(parser.words).split())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("address", ADDRESSES)
def test_every_page_renders_in_both_languages(reader: TestClient, address: str, language: str) -> None:
    answer = reader.get(address, params=None, headers={"accept-language": language})
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    assert "<main" in answer.text and answer.text.count("<h1>") == 1
    assert "component-token" not in answer.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("address", ADDRESSES)
def test_every_page_renders_on_empty_tables_with_a_plain_sentence(
    tmp_path: Path, address: str, language: str
) -> None:
    publish_file(tmp_path, "empty", empty=True)
    answer = TestClient(dashboards.create_app(tmp_path)).get(address, headers={"accept-language": language})
    expected = 404 if address.startswith("/lead?") else 200
    assert answer.status_code == expected
    assert "Traceback" not in answer.text and "component-token" not in answer.text
    assert text_of(answer.text)


def test_numbers_of_the_month_are_in_the_page_without_javascript(reader: TestClient) -> None:
    text = text_of(reader.get("/?lang=ja&month=2026-10").text)
    for number in ("50,000", "400", "0.80%", "13.3%", "¥44,200,000", "2026年10月"):
        assert number in text
    assert "フォーム通過数 ÷ 来訪者数 × 100" in text
    assert "+7.4%" in text and "前月 46,538" in text


def test_the_table_of_errors_names_its_codes_and_never_rounds_an_error_away(reader: TestClient) -> None:
    text = text_of(reader.get("/errors?lang=en").text)
    assert "forwarded mail" in text and "0.6217" in text
    assert "0.0000 " not in text and "0.00004" in text
    assert text.index("rows sent against a no") < text.index("forwarded mail")


def test_a_month_that_is_not_mature_says_that_its_rate_is_not_known_yet(reader: TestClient) -> None:
    assert "まだ定まりません" in text_of(reader.get("/?lang=ja&month=2026-10").text.split("<h2>")[0])
    assert "まだ定まりません" not in text_of(reader.get("/?lang=ja&month=2026-03").text.split("<h2>")[0])


def test_each_chart_has_its_data_table(reader: TestClient) -> None:
    html = reader.get("/generation?lang=en").text
    figures = re.findall(r'<figure class="panel">.*?</figure>', html, re.DOTALL)
    charts = [figure for figure in figures if 'class="chart' in figure]
    assert len(charts) == 3
    for chart in charts:
        assert re.search(r'<path d="M|<i class="series-1"', chart)
        assert "<details>" in chart and 'scope="col"' in chart


@pytest.mark.parametrize(
    "month", ["2026-13", "2026-1", "october", "2026-10-01", "'; drop table x", "２０２６-10"]
)
def test_a_month_that_cannot_be_read_gets_a_friendly_400(reader: TestClient, month: str) -> None:
    answer = reader.get("/", params={"lang": "ja", "month": month})
    assert answer.status_code == 400
    assert "2026-10 のように" in answer.text


@pytest.mark.parametrize(
    "address", ["/leads?tier=nobody", "/lead?person_id=a'b", "/leads?owner_unit=" + "x" * 200]
)
def test_other_filters_are_validated_by_their_declared_type(reader: TestClient, address: str) -> None:
    assert reader.get(address).status_code == 400


@pytest.mark.parametrize(
    "address", ["/nope", "/lead?person_id=zzz", "/lead", "/leads/nope.csv", "/assets/../server.py"]
)
def test_what_is_not_there_gets_a_friendly_404(reader: TestClient, address: str) -> None:
    answer = reader.get(address, headers={"accept-language": "en"})
    assert answer.status_code == 404
    assert "<main" in answer.text


def test_before_any_publication_a_sentence_says_so(tmp_path: Path) -> None:
    answer = TestClient(dashboards.create_app(tmp_path)).get("/?lang=ja")
    assert answer.status_code == 503
    assert "まだ公開されたデータがありません" in answer.text


def test_a_hostile_name_is_shown_as_text(reader: TestClient) -> None:
    for address in ("/leads?lang=en&leads_page=1", "/lead?person_id=p0001&lang=ja"):
        html = reader.get(address).text
        assert HOSTILE_NAME not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_csv_opens_in_a_spreadsheet_and_runs_nothing(reader: TestClient) -> None:
    answer = reader.get("/leads/leads.csv?lang=ja")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == 130
    hostile = next(row for row in rows if row["氏名"] == HOSTILE_NAME)
    assert hostile["会社"] == "'" + FORMULA
    assert Decimal(hostile["総合点"]) == Decimal(hostile["適合点"]) + Decimal(hostile["行動点"])


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_text_that_opens_like_a_formula_is_guarded(start: str) -> None:
    assert guard_formula(f"{start}1") == f"'{start}1"


def test_the_known_formula_payloads_are_guarded(reader: TestClient) -> None:
    payloads = [
        "@SUM(1+9)*cmd|' /C calc'!A0",
        "=10+20+cmd|' /C calc'!A0",
        "=cmd|'/C powershell IEX(wget x)'!A0",
    ]
    assert all(guard_formula(payload).startswith("'") for payload in payloads)


def test_csv_keeps_the_filters_of_the_page(reader: TestClient) -> None:
    text = reader.get("/leads/leads.csv?lang=en&tier=latent").content.decode("utf-8-sig")
    assert {row["Tier"] for row in csv.DictReader(io.StringIO(text))} == {"Latent"}


def test_the_list_is_sorted_and_paged_by_the_server(reader: TestClient) -> None:
    names = []
    for number in (1, 2, 3):
        html = reader.get(f"/leads?lang=en&leads_sort=total_score+asc&leads_page={number}").text
        names += re.findall(r"person_id=(p\d+)", html)
    assert len(names) == len(set(names)) == 130
    assert 'aria-sort="ascending"' in html


@pytest.mark.parametrize("sort", ["nothing desc", "total_score; drop", 'a" desc--', "total_score sideways"])
def test_a_sort_that_is_no_column_falls_back_to_the_pages_own(reader: TestClient, sort: str) -> None:
    usual, odd = reader.get("/leads?lang=en"), reader.get("/leads", params={"lang": "en", "leads_sort": sort})
    pattern = r"person_id=(p\d+)"
    assert re.findall(pattern, odd.text) == re.findall(pattern, usual.text)


def test_the_lead_page_tells_the_story_of_tl02(reader: TestClient) -> None:
    """A card at an exhibition (a day, no time), then a document, then the case studies; times in Tokyo."""
    text = text_of(reader.get("/lead?person_id=p0000&lang=ja").text)
    story = re.search(r"2026-10-09 11:00 事例の閲覧 .*?10:00 資料請求 .*?2026-10-07 終日 名刺交換", text)
    assert story, text
    for part in (
        "資料を取り寄せるのは具体的な関心のしるし",
        "関東営業部",
        "業種が製造で、価格を見たため",
        "送信済",
        "mail_token:7c2e",
    ):
        assert part in text


def test_points_of_a_lead_sum_to_the_score_shown(reader: TestClient, serving: Path) -> None:
    html = reader.get("/lead?person_id=p0000&lang=en").text
    score = re.search(r"<dt>Total score</dt>\s*<dd class=\"number\">([\d.]+)", html)[1]
    total = re.findall(r"<tfoot>.*?<b>([\d.]+)</b></td></tr>", html, re.DOTALL)[0]
    assert score == total == "54.87"


def test_a_flip_is_seen_by_the_next_request_while_an_old_reader_goes_on(tmp_path: Path) -> None:
    publish_file(tmp_path, "run-1")
    publication = Publication(tmp_path)
    sql = "select run_id from reporting.rpt_run"
    with publication.reading() as old:
        assert query(old, sql).rows == [{"run_id": "run-1"}]
        publish_file(tmp_path, "run-2")
        with publication.reading() as new:
            assert query(new, sql).rows == [{"run_id": "run-2"}]
        assert query(old, sql).rows == [{"run_id": "run-1"}]


def test_pages_read_during_flips_show_one_run_each_and_never_fail(tmp_path: Path) -> None:
    runs = [f"run-{number}" for number in range(4)]
    for run in runs:
        publish_file(tmp_path, run, people=3)
    reader = TestClient(dashboards.create_app(tmp_path))
    seen: list[tuple[int, set[str]]] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            answer = reader.get("/health?lang=en")
            seen.append((answer.status_code, set(re.findall(r"run-\d", answer.text))))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for each in readers:
        each.start()
    for number in range(4000):
        if number >= 40 and len(seen) > 60:
            break
        link = tmp_path / f".link-{number}"
        link.symlink_to(f"serving-{runs[number % 4]}.duckdb")
        link.replace(tmp_path / "serving.duckdb")
        stop.wait(0.03)
    stop.set()
    for each in readers:
        each.join()
    assert len(seen) > 20 and {status for status, _ in seen} == {200}
    assert all(len(found) == 1 for _, found in seen)
    assert len({next(iter(found)) for _, found in seen}) > 1


def test_a_page_can_read_nothing_but_the_published_file(serving: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a\n1\n")
    connection = open_read_only((serving / "serving.duckdb").resolve())
    for sql in (
        f"select * from read_csv('{other}')",
        f"attach '{tmp_path / 'x.duckdb'}'",
        "create table serving.t as select 1",
    ):
        with pytest.raises(duckdb.Error):
            connection.execute(sql)


def test_every_answer_has_the_headers_that_keep_it_closed(reader: TestClient) -> None:
    for address in ("/", "/nope", "/leads/leads.csv", "/?month=x"):
        headers = reader.get(address).headers
        assert headers["content-security-policy"].startswith("default-src 'self'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "no-store" in headers["cache-control"]


def test_addresses_hold_nothing_personal(reader: TestClient) -> None:
    html = reader.get("/leads?lang=ja").text + reader.get("/lead?person_id=p0000&lang=ja").text
    links = " ".join(re.findall(r'(?:href|src|action)="([^"]*)"', html))
    assert "@" not in links and "%40" not in links and "佐藤" not in links and "%E4%BD%90" not in links


def test_pages_served_to_this_machine_answer_to_its_names_only(serving: Path) -> None:
    app = dashboards.create_app(serving, hosts=["127.0.0.1", "localhost"])
    assert TestClient(app, base_url="http://localhost:8080").get("/").status_code == 200
    assert TestClient(app, base_url="http://evil.example").get("/").status_code == 400


def test_a_kpi_page_with_all_it_loads_weighs_at_most_300_kb_in_at_most_8_requests(reader: TestClient) -> None:
    page = reader.get("/?lang=ja", headers={"accept-encoding": "gzip"})
    addresses = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text)
    answers = [page, *(reader.get(address, headers={"accept-encoding": "gzip"}) for address in addresses)]
    assert all(answer.headers.get("content-encoding") == "gzip" for answer in answers)
    assert len(answers) <= 8
    assert sum(int(answer.headers["content-length"]) for answer in answers) <= 300_000


@pytest.mark.parametrize(
    ("asked", "accept", "language"),
    [
        (None, None, "ja"),
        (None, "fr-FR, de;q=0.8", "ja"),
        (None, "en-US,en;q=0.9,ja;q=0.8", "en"),
        (None, "en;q=0.3, ja;q=0.8", "ja"),
        (None, "en;q=0", "ja"),
        (None, "en;q=x", "ja"),
        ("en", "ja", "en"),
        ("tlh", "en", "en"),
    ],
)
def test_language_is_the_addresss_else_the_browsers_else_japanese(
    asked: str | None, accept: str | None, language: str
) -> None:
    assert choose_language(asked, accept) == language


@pytest.mark.parametrize(
    ("column", "code", "name"),
    [
        ("channels", "card > email > organic_search", "名刺 → メール → 自然検索"),
        ("channels", "card > carrier_pigeon", "名刺 → carrier_pigeon"),
        ("segment_id", "paid_search", "検索広告"),
        ("segment_id", "inquiry", "問い合わせ"),
        ("segment_id", "/price", "/price"),
        ("list_month", "all", "全体"),
        ("list_month", "2026-10-01", "2026年10月"),
    ],
)
def test_a_code_is_named_also_in_a_path_and_as_the_member_of_a_cut(column: str, code: str, name: str) -> None:
    assert read_words("ja", "Asia/Tokyo").value(column, code) == name


def test_both_languages_have_the_same_words() -> None:
    def keys(part: dict, path: str = "") -> set[str]:
        return {
            found
            for name, each in part.items()
            for found in (keys(each, f"{path}{name}.") if isinstance(each, dict) else {f"{path}{name}"})
        }

    ja, en = (
        keys(yaml.safe_load((LOCALES / f"{code}.yml").read_text(encoding="utf-8"))) for code in LANGUAGES
    )
    assert ja == en


def test_a_restated_number_is_told_with_its_causes_and_the_parts_sum(reader: TestClient) -> None:
    """Two publications of one month stand there; the former value plus the parts is the value now."""
    html = reader.get("/number?kpi=action_rate_new&month=2026-09&lang=en").text
    text = text_of(html)
    assert "1.51%" in text and "1.58%" in text
    row = re.search(r'id="restated".*?<tbody>\s*<tr>(.*?)</tr>', html, re.DOTALL)[1]
    cells = [text_of(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]
    assert cells[1:] == [
        "2026-10-01 09:00",
        "1.51%",
        *("+0.09 points", "-0.01 points", "-0.01 points", "0.00 points", "0.00 points"),
        "1.58%",
    ]
    assert 1.51 + sum(float(cell.split()[0]) for cell in cells[3:8]) == pytest.approx(1.58)


def test_the_overview_says_where_to_work_first_and_leads_to_what_it_stands_on(reader: TestClient) -> None:
    html = reader.get("/?lang=en&month=2026-10").text
    assert "The next thing is nurturing" in text_of(html) and 'href="funnel"' in html
    text = text_of(reader.get("/funnel?lang=en").text)
    assert "The action rate has come to 0.80 %." in text and "change in visitors +12.0%" in text


def test_requests_not_to_contact_are_told_to_management_and_on_the_lead(reader: TestClient) -> None:
    for address in ("/management?lang=ja", "/lead?person_id=p0000&lang=ja"):
        assert "関東営業部 メール Contract talks under way" in text_of(reader.get(address).text)


def test_money_spent_on_what_nobody_designed_is_told_under_the_campaigns_own_id(reader: TestClient) -> None:
    assert "banner-2026 JPY 380,000 without a design" in text_of(reader.get("/designs?lang=en").text)


# -- check -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("empty", [False, True])
def test_check_finds_nothing_wrong_with_a_good_file(tmp_path: Path, empty: bool) -> None:
    assert dashboards.check(write_serving_file(tmp_path / "candidate.duckdb", "run", empty=empty)) == []


def test_check_names_page_block_and_line_of_a_missing_table_and_column(tmp_path: Path) -> None:
    file = write_serving_file(tmp_path / "candidate.duckdb", "run")
    with duckdb.connect(str(file)) as connection:
        connection.execute("drop table reporting.rpt_campaigns")
        connection.execute("alter table reporting.rpt_kpis_monthly drop column mean_months_to_opp")
    problems = {
        (each.page, each.block): str(each) for each in dashboards.check(file) if each.language == "ja"
    }
    assert "rpt_campaigns" in problems["index", "campaigns"]
    assert re.search(r"pages/index\.md, line \d+", problems["index", "campaigns"])
    assert "'mean_months_to_opp'" in problems["cohorts", "two_months"]


def test_check_names_a_word_that_has_no_translation(tmp_path: Path) -> None:
    file = write_serving_file(tmp_path / "candidate.duckdb", "run")
    pages = tmp_path / "pages"
    shutil.copytree(PAGES, pages)
    page = pages / "health.md"
    page.write_text(
        page.read_text(encoding="utf-8").replace(
            "    health.source, health.files", "    health.source, 1 as novel, health.files"
        )
    )
    assert [(each.page, each.language) for each in dashboards.check(file, pages=pages)] == [
        ("health", "ja"),
        ("health", "en"),
    ]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("{{ table('absent') }}", "no ```sql block of this name"),
        ("{{ pie('b') }}", "'pie' is undefined"),
        ("```sql b\nselect $nope as a\n```\n{{ table('b') }}", "$nope is not a filter"),
        ("```sql b\ndelete from reporting.rpt_run\n```\n", "exactly one select"),
        ("```sql b\nselect 1; select 2\n```\n", "exactly one select"),
        ("```sql b\nselect 7 as month\n```\n{{ table('b') }}", "'int' object has no attribute 'year'"),
        ("```sql b\nselect {{ metric('absent') }} from reporting.rpt_run\n```\n", "no metric 'absent'"),
    ],
)
def test_check_tells_an_author_what_to_mend(tmp_path: Path, body: str, sentence: str) -> None:
    file = write_serving_file(tmp_path / "candidate.duckdb", "run")
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "index.md").write_text(f"---\ntitle: {{ja: あ, en: a}}\n---\n# t\n\n{body}\n", encoding="utf-8")
    problems = dashboards.check(file, pages=pages)
    assert problems and all(sentence in str(problem) for problem in problems)


def test_raw_html_in_a_page_is_shown_as_text(tmp_path: Path) -> None:
    from dashboards.pages import MARKDOWN

    assert "<script" not in MARKDOWN.render("<script>alert(1)</script> [x](javascript:alert(1))").replace(
        "&lt;", ""
    )


def test_pages_are_in_the_order_of_the_menu() -> None:
    assert list(read_pages()) == [
        "index",
        "kpis",
        "funnel",
        "generation",
        "visits",
        "nurturing",
        "qualification",
        "management",
        "campaigns",
        "cohorts",
        "designs",
        "leads",
        "companies",
        "review",
        "health",
        "errors",
        "glossary",
        "company",
        "lead",
        "number",
    ]


# -- metrics ---------------------------------------------------------------------------------------


def simple(name: str, measure: str, where: str | None = None, fill: int | None = None) -> dict:
    """A simple metric in the layout of dbt 1.11."""
    use = {
        "name": measure,
        "filter": None,
        "alias": None,
        "join_to_timespine": False,
        "fill_nulls_with": fill,
    }
    condition = {"where_filters": [{"where_sql_template": where}]} if where else None
    return {"name": name, "type": "simple", "type_params": {"measure": use}, "filter": condition}


def ratio(name: str, top: str, bottom: str, where: str | None = None) -> dict:
    """A ratio metric in the layout of dbt 1.11; `where` filters the numerator."""
    condition = {"where_filters": [{"where_sql_template": where}]} if where else None
    inputs = {
        "numerator": {"name": top, "filter": condition},
        "denominator": {"name": bottom, "filter": None},
    }
    return {"name": name, "type": "ratio", "type_params": inputs, "filter": None}


STEP = "{{ Dimension('step_row__step') }} = 'FORM'"
MANIFEST = {
    "semantic_models": [
        {
            "name": "steps",
            "defaults": {"agg_time_dimension": "occurred_on"},
            "node_relation": {"schema_name": "main", "alias": "steps"},
            "entities": [{"name": "step_row", "type": "primary", "expr": "step_id"}],
            "dimensions": [
                {"name": "step", "type": "categorical", "expr": "upper(step)"},
                {"name": "occurred_on", "type": "time", "expr": None},
            ],
            "measures": [
                {"name": "visitor_count", "agg": "count_distinct", "expr": "visitor_id"},
                {"name": "row_count", "agg": "count", "expr": "step_id"},
                {"name": "amount", "agg": "sum", "expr": None},
                {"name": "middle", "agg": "median", "expr": "amount"},
            ],
        },
        {
            "name": "other",
            "node_relation": {"schema_name": "main", "alias": "other"},
            "defaults": {"agg_time_dimension": "seen_on"},
            "dimensions": [{"name": "seen_on", "type": "time", "expr": None}],
            "measures": [{"name": "other_count", "agg": "count", "expr": "1"}],
        },
    ],
    "metrics": [
        simple("visitors", "visitor_count"),
        simple("form_passes", "row_count", STEP),
        simple("amount", "amount", fill=0),
        simple("others", "other_count"),
        simple("middle", "middle"),
        ratio("action_rate_literal", "form_passes", "visitors"),
        ratio(
            "rate_of_may",
            "form_passes",
            "visitors",
            "{{ TimeDimension('step_row__occurred_on', 'month') }} = '2026-05-01'",
        ),
        ratio("two_tables", "form_passes", "others"),
        simple("lost", "row_count", "{{ Dimension('step_row__nowhere') }} = 1"),
        {"name": "worked_out", "type": "derived", "type_params": {}, "filter": None},
    ],
}


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("visitors", 3),
        ("form_passes", 2),
        ("amount", 60),
        ("action_rate_literal", 2 / 3),
        ("rate_of_may", 1 / 3),
    ],
)
def test_a_metric_expands_to_sql_that_gives_its_number(metric: str, value: float) -> None:
    connection = duckdb.connect()
    connection.execute(
        "create table steps as select * from (values ('1', 'a', 'form', 10, date '2026-05-02'),"
        " ('2', 'b', 'form', 20, date '2026-06-02'), ('3', 'c', 'view', 30, date '2026-06-03'),"
        " ('4', 'a', 'view', null, date '2026-06-03')) t(step_id, visitor_id, step, amount, occurred_on)"
    )
    sql = f"select {Metrics(MANIFEST).expand(metric)} as n from steps"
    assert connection.execute(sql).fetchone()[0] == pytest.approx(value)
    nobody = connection.execute(f"{sql} where step = 'none'").fetchone()[0]
    assert nobody == (None if "rate" in metric else 0)


@pytest.mark.parametrize(
    ("metric", "sentence"),
    [
        ("absent", "There is no metric 'absent'"),
        ("two_tables", "two tables"),
        ("middle", "is median"),
        ("worked_out", "is derived"),
        ("lost", "does not have"),
    ],
)
def test_a_metric_that_pages_cannot_expand_is_refused_with_a_sentence(metric: str, sentence: str) -> None:
    with pytest.raises(MetricProblem, match=sentence):
        Metrics(MANIFEST).expand(metric)


def test_a_metric_with_a_period_brings_its_own_tables_so_a_ratio_may_span_two() -> None:
    connection = duckdb.connect()
    connection.execute(
        "create table steps as select * from (values ('1', 'a', 'form', 1, date '2026-05-02'),"
        " ('2', 'b', 'form', 2, date '2026-06-02')) t(step_id, visitor_id, step, amount, occurred_on)"
    )
    connection.execute(
        "create table other as select date '2026-05-01' + cast(n as int) as seen_on from range(50) t(n)"
    )
    metric = Metrics(MANIFEST).expand("two_tables", since="month", until="month + interval 1 month")
    months = "(values (date '2026-05-01'), (date '2026-06-01'), (date '2026-07-01')) months(month)"
    rows = connection.execute(f"select {metric} from {months} order by month").fetchall()
    assert rows == [(1 / 31,), (1 / 19,), (None,)]
    with pytest.raises(MetricProblem, match="both since and until"):
        Metrics(MANIFEST).expand("two_tables", since="month")


def test_a_page_takes_a_metric_from_the_manifest_beside_the_file(tmp_path: Path) -> None:
    file = write_serving_file(tmp_path / "candidate.duckdb", "run")
    manifest = {
        "semantic_models": [{"name": "runs", "measures": [{"name": "n", "agg": "count", "expr": "run_id"}]}],
        "metrics": [simple("run_count", "n")],
    }
    (tmp_path / "semantic_manifest.json").write_text(json.dumps(manifest))
    pages = tmp_path / "pages"
    pages.mkdir()
    body = (
        "```sql b\nselect {{ metric('run_count') }} as files from reporting.rpt_run\n```\n\n{{ table('b') }}"
    )
    (pages / "index.md").write_text(f"---\ntitle: {{ja: あ, en: a}}\n---\n# t\n\n{body}\n", encoding="utf-8")
    assert dashboards.check(file, pages=pages) == []


def test_the_month_of_a_filter_is_bound_as_a_date() -> None:
    assert read_pages()["index"].filters["month"].parse("2026-02") == date(2026, 2, 1)


# -- exposures -------------------------------------------------------------------------------------


def test_dbt_knows_what_each_page_reads_as_the_pages_stand_today() -> None:
    written = (PROJECT / exposures.FILE).read_text(encoding="utf-8")
    assert written == exposures.exposures(PROJECT), "run `ikusei dashboards exposures` and commit the file"


def test_every_table_of_a_page_is_read_under_its_schema_and_never_past_the_mask() -> None:
    for page in read_pages().values():
        tables = exposures.tables_of(page)
        assert all(table.count(".") == 1 and not table.startswith("serving.") for table in tables), tables


def test_a_changed_page_changes_its_exposure(tmp_path: Path) -> None:
    shutil.copytree(PAGES, tmp_path / "pages")
    page = tmp_path / "pages" / "leads.md"
    page.write_text(page.read_text(encoding="utf-8") + "\n```sql more\nselect 1 from funnel.fct_roi\n```\n")
    told = {
        each["name"]: each
        for each in yaml.safe_load(exposures.exposures(PROJECT, tmp_path / "pages"))["exposures"]
    }
    assert told["page_leads"]["depends_on"] == ["ref('fct_roi')", "ref('rpt_leads')"]
    assert told["page_management"]["type"] == "dashboard"
