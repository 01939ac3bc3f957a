"""The door of the pages: who comes in, and what a reader without personal data can never read."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from serving_file import FAMILY, GIVEN, publish_file
from starlette.testclient import TestClient

import dashboards
from dashboards.accounts import SESSION_SECONDS, AccountProblem, Accounts
from dashboards.door import PAUSE_SECONDS, SESSION, TRIES
from dashboards.masks import mask_of, write_views
from dashboards.pages import read_pages
from dashboards.publication import SERVING, cursor_of, open_read_only

PASSWORD = "correct horse battery"
USERS = {"mika": "marketer", "sato": "sales", "root": "admin"}
PERSONAL = re.compile(
    "|".join([f"{family} {given}" for family in FAMILY for given in GIVEN])
    + r"|[\w.]+@example\.jp|@hokuto\.example|\+81355550\d+|alert\(1\)"
)


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("serving")
    publish_file(folder, "run-1")
    accounts = Accounts(folder / "users.json")
    for name, role in USERS.items():
        accounts.add(name, role, PASSWORD)
    return folder


@pytest.fixture
def stranger(serving: Path) -> TestClient:
    return TestClient(dashboards.create_app(serving), follow_redirects=False)


def logged_in(serving: Path, name: str) -> TestClient:
    client = TestClient(dashboards.create_app(serving), follow_redirects=False)
    assert log_in(client, name).status_code == 303
    return client


def log_in(client: TestClient, name: str, password: str = PASSWORD, query: str = "") -> object:
    token = re.search(r'name="token" value="([^"]*)"', client.get(f"/login{query}").text)[1]
    return client.post(f"/login{query}", data={"name": name, "password": password, "token": token})


@pytest.fixture(scope="module")
def marketer(serving: Path) -> TestClient:
    return logged_in(serving, "mika")


# -- who comes in ----------------------------------------------------------------------------------


def test_without_users_the_pages_are_open_to_this_machine(tmp_path: Path) -> None:
    publish_file(tmp_path, "run-1", people=3)
    answer = TestClient(dashboards.create_app(tmp_path)).get("/leads?lang=ja")
    assert answer.status_code == 200 and "佐藤 太郎" in answer.text


def test_pages_for_other_machines_ask_even_while_there_is_no_user(tmp_path: Path) -> None:
    publish_file(tmp_path, "run-1", people=3)
    client = TestClient(dashboards.create_app(tmp_path, must_log_in=True))
    answer = client.get("/leads?lang=en")
    assert answer.status_code == 503 and "ikusei dashboards user add" in answer.text


@pytest.mark.parametrize(
    "address", ["/", "/leads", "/leads/leads.csv", "/lead?person_id=p0000", "/nope", "/LOGIN", "//login"]
)
def test_a_stranger_is_led_to_the_log_in_whatever_is_asked_for(stranger: TestClient, address: str) -> None:
    for method in ("GET", "HEAD", "POST", "OPTIONS"):
        answer = stranger.request(method, address)
        assert answer.status_code == 303 and answer.headers["location"].startswith("/login")
        assert not PERSONAL.search(answer.text)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-user": "root"},
        {"remote-user": "root", "x-role": "admin"},
        {"authorization": "Basic cm9vdDpyb290"},
        {"x-original-url": "/assets/pages.css"},
        {"x-forwarded-for": "127.0.0.1", "forwarded": "for=127.0.0.1"},
        {"cookie": f"{SESSION}=WyJyb290IiwwXQ.x"},
        {"cookie": f"{SESSION}="},
        {"cookie": f"{SESSION}=..; {SESSION}=%00"},
    ],
)
def test_no_header_opens_the_door_or_lifts_the_mask(
    stranger: TestClient, marketer: TestClient, headers: dict
) -> None:
    assert stranger.get("/leads", headers=headers).status_code == 303
    if "cookie" not in headers:
        assert not PERSONAL.search(marketer.get("/leads?lang=ja", headers=headers).text)


def test_a_cookie_holds_only_as_it_was_signed_and_while_it_is_young(serving: Path) -> None:
    accounts = Accounts(serving / "users.json")
    cookie = accounts.cookie("mika", 1000.0)
    assert accounts.reader(cookie, 1000.0 + SESSION_SECONDS).role == "marketer"
    assert accounts.reader(cookie, 1001.0 + SESSION_SECONDS) is None
    words, _, signature = cookie.partition(".")
    of_root = accounts.cookie("root", 1000.0).partition(".")[0]
    for forged in (f"{of_root}.{signature}", f"{words}.", f"{words}.{signature}x", words, "", "é.é", None):
        assert accounts.reader(forged, 1000.0) is None


def test_a_new_password_and_a_removal_end_the_sessions_of_a_user(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "users.json")
    accounts.add("mika", "marketer", PASSWORD)
    accounts.add("root", "admin", PASSWORD)
    cookie = accounts.cookie("mika", 0)
    accounts.add("mika", "admin", PASSWORD + "!")
    assert accounts.reader(cookie, 1) is None
    cookie = accounts.cookie("mika", 0)
    assert accounts.reader(cookie, 1).role == "admin"
    accounts.remove("mika")
    assert accounts.reader(cookie, 1) is None


def test_the_file_of_users_holds_no_password_and_is_its_owners_alone(serving: Path) -> None:
    file = serving / "users.json"
    assert PASSWORD not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("name", "role", "password"),
    [("a b", "sales", PASSWORD), ("a", "boss", PASSWORD), ("a", "sales", "short")],
)
def test_a_user_that_cannot_be_is_refused_with_a_sentence(
    tmp_path: Path, name: str, role: str, password: str
) -> None:
    with pytest.raises(AccountProblem):
        Accounts(tmp_path / "users.json").add(name, role, password)


# -- the form --------------------------------------------------------------------------------------


def test_the_cookie_of_a_session_is_kept_from_scripts_other_sites_and_plain_lines(serving: Path) -> None:
    for address, is_secure in (("http://testserver", False), ("https://testserver", True)):
        client = TestClient(dashboards.create_app(serving), base_url=address, follow_redirects=False)
        cookie = log_in(client, "sato").headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=strict" in cookie
        assert ("secure" in cookie) is is_secure


def test_a_wrong_name_and_a_wrong_password_get_the_same_words(stranger: TestClient) -> None:
    answers = [log_in(stranger, name, "a wrong password") for name in ("mika", "nobody")]
    assert {answer.status_code for answer in answers} == {401}
    pages = [re.sub(r'value="[^"]*"', "", answer.text) for answer in answers]
    assert pages[0] == pages[1] and SESSION not in stranger.cookies


def test_wrong_tries_close_a_name_for_a_minute(stranger: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(TRIES):
        assert log_in(stranger, "root", "a wrong password").status_code == 401
    assert log_in(stranger, "root").status_code == 429
    assert log_in(stranger, "sato").status_code == 303
    now = __import__("time").monotonic()
    monkeypatch.setattr("dashboards.door.time.monotonic", lambda: now + PAUSE_SECONDS + 1)
    assert log_in(stranger, "root").status_code == 303


def test_a_form_of_another_site_logs_nobody_in_or_out(serving: Path) -> None:
    client = TestClient(dashboards.create_app(serving), follow_redirects=False)
    fields = {"name": "mika", "password": PASSWORD}
    assert client.post("/login", data=fields).status_code == 400
    client.get("/login")
    assert client.post("/login", data={**fields, "token": "guess"}).status_code == 400
    assert log_in(client, "mika").status_code == 303
    assert client.post("/logout", data={"token": "guess"}).status_code == 400
    assert client.get("/").status_code == 200


def test_logging_out_ends_the_session_of_this_browser(serving: Path) -> None:
    client = logged_in(serving, "sato")
    form = re.search(r'action="(/logout[^"]*)".*?value="([^"]*)"', client.get("/?lang=en").text, re.DOTALL)
    assert client.post(form[1], data={"token": form[2]}).status_code == 303
    assert client.get("/").status_code == 303


@pytest.mark.parametrize(
    ("wanted", "led_to"),
    [
        ("/leads?lang=ja", "/leads?lang=ja"),
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\\..\\b", "/"),
        ("javascript:alert(1)", "/"),
        ("/x\r\nset-cookie: a=b", "/"),
    ],
)
def test_the_log_in_leads_on_to_our_own_pages_only(stranger: TestClient, wanted: str, led_to: str) -> None:
    from urllib.parse import quote

    assert log_in(stranger, "sato", query=f"?next={quote(wanted)}").headers["location"] == led_to


def test_a_name_is_never_in_an_address_and_a_large_form_is_not_read(stranger: TestClient) -> None:
    answer = stranger.post("/login", content=b"name=" + b"a" * 100_000)
    assert answer.status_code == 400
    assert 'method="post"' in stranger.get("/login").text


# -- what a marketer reads -------------------------------------------------------------------------


def addresses() -> Iterator[str]:
    for name, page in read_pages().items():
        query = {"lead": "person_id=p0000&", "company": "company_id=c1&"}.get(name, "")
        for language in ("ja", "en"):
            yield f"/{'' if name == 'index' else name}?{query}lang={language}"
        for block in page.blocks:
            yield f"/{name}/{block}.csv?{query}lang=ja"


@pytest.mark.parametrize("address", [*addresses()])
def test_no_page_and_no_csv_shows_a_marketer_a_person(marketer: TestClient, address: str) -> None:
    answer = marketer.get(address)
    assert answer.status_code in (200, 403, 404)
    assert not PERSONAL.search(answer.content.decode("utf-8-sig"))


def test_sales_read_what_a_marketer_does_not(serving: Path, marketer: TestClient) -> None:
    sales = logged_in(serving, "sato")
    address = "/leads/leads.csv?lang=ja"
    told, masked = (client.get(address).content.decode("utf-8-sig") for client in (sales, marketer))
    assert PERSONAL.search(told) and "佐藤 太郎" in told
    assert "#P0000" in masked and masked.count("\n") == told.count("\n")
    assert sales.get("/review").status_code == 200
    assert marketer.get("/review").status_code == 403 == marketer.get("/review/pairs.csv").status_code
    assert 'href="/review' not in marketer.get("/leads").text


@pytest.mark.parametrize(
    "query",
    [
        "leads_sort=display_name asc",
        "leads_sort=email desc",
        "leads_page=2",
        "tier=latent&role=admin",
        "leads_sort=(select email from serving.reporting.rpt_leads limit 1)",
    ],
)
def test_no_parameter_lifts_the_mask(marketer: TestClient, query: str) -> None:
    for address in (f"/leads?{query}", f"/leads/leads.csv?{query}"):
        answer = marketer.get(address)
        assert answer.status_code == 200 and not PERSONAL.search(answer.content.decode("utf-8-sig"))


def test_what_goes_wrong_quotes_no_person_to_a_marketer(
    marketer: TestClient, serving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "leads.md"
    sql = "select cast(company_name as int) as files from reporting.rpt_leads"
    page.write_text(
        f"---\ntitle: {{ja: あ, en: a}}\n---\n# t\n\n```sql b\n{sql}\n```\n\n{{{{ table('b') }}}}\n"
    )
    from dashboards.pages import read_page

    monkeypatch.setattr("dashboards.server.read_pages", lambda: {"leads": read_page(page)})
    assert "Could not convert" in logged_in(serving, "root").get("/leads").text
    answer = marketer.get("/leads")
    assert answer.status_code == 500 and "Could not convert" not in answer.text


@pytest.mark.parametrize(
    ("column", "mask"),
    [
        ("display_name", "pseudonym"),
        ("email", "hidden"),
        ("left_phone", "hidden"),
        ("right_identifier", "kind"),
        ("answer", "scrubbed"),
        ("company_name", None),
        ("email_domain", None),
        ("campaign_name", None),
        ("person_id", None),
    ],
)
def test_a_column_is_masked_by_its_name(column: str, mask: str | None) -> None:
    assert mask_of(column) == mask


def test_free_text_keeps_its_words_and_loses_addresses_and_numbers(tmp_path: Path) -> None:
    file = tmp_path / "f.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "create table notes as select 'p' as person_id, "
            "'2026-10-31 /price mail a.b@c.example or 03-1234-5678' as detail, cast(null as varchar) as email"
        )
    connection = open_read_only(file)
    write_views(connection, SERVING)
    row = cursor_of(connection, is_masked=True).execute("select detail, email from main.notes").fetchone()
    assert row == ("2026-10-31 /price mail ••• or •••", None)
