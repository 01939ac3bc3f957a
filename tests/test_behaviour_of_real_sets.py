"""Sessions, channels and machines on sets that others made: what an access log can know of them comes out.

One landing folder holds three sites: Snowplow's labelled web events and dbt-ga4's channel cases, each as the
lines that a web server would have written, and a month of nothing but scanners that fill in forms.
"""

import csv
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from landed_files import shared

from orchestration import crawlers, ingest, transform
from orchestration.home import ALL_KNOWN, DEFAULT_ZONE, Home

BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/141.0 Safari/537.36"
)
MODELS = ["fct_touches", "fct_form_passes", "rpt_form_warnings", "rpt_machine_effect"]
JUDGING = [
    "machine_rules_in_force",
    "int_requests_classified",
    "int_page_views",
    "int_session_entries",
    "mail_visits",
    "int_machine_visitors",
    "int_visitor_bindings",
    "int_channels_matched",
    "fct_sessions",
    "int_form_touches",
    "int_email_touches",
    "fct_touches",
]
_kept = TemporaryDirectory(prefix="ikusei-behaviour-")

# Where the tracker's session and ours differ: label, first second and page views of the expected session ->
# page views of our session that begins then (None: there is none), and why.
DIFFERENCES = {
    ("Multiple first sessions per user", "2021-03-02 07:23:19", 1): (
        4,
        "two session ids in one second are one",
    ),
    ("Multiple first sessions per user", "2021-03-02 07:23:19", 3): (4, "visit of the browser: 1 + 3 = 4"),
    ("Multiple last sessions per user", "2021-03-02 02:01:19", 3): (4, "the same, 3 + 1 = 4"),
    ("Multiple last sessions per user", "2021-03-02 02:01:28", 1): (None, "it goes on from the one before"),
    ("No edge cases", "2021-03-02 22:59:24", 1): (None, "nothing but pings: no server is asked for a page"),
    ("No edge cases", "2021-03-04 22:59:24", 1): (None, "nothing but pings"),
    ("stray page ping", "2021-03-03 18:01:33", 1): (None, "nothing but pings"),
    ("Rotating domain_userid per session", "2021-03-02 15:55:18", 3): (
        1,
        "a new cookie every day: three visitors with a visit each, whom only the tracker's session id joins",
    ),
    ("long session", "2021-03-01 21:39:43", 2): (1, "two days of silence end a session of ours, 1 + 1 = 2"),
    ("dupe: event_id different collector_tstamp", "2021-03-03 21:27:22", 3): (
        None,
        "the tracker takes the time at which the event reached it first; a line has one time, a second later,"
        " and two like lines of one second are one page view",
    ),
    ("dupe: event_id same collector_tstamp", "2021-03-01 20:39:52", 6): (
        7,
        "an event sent twice under one id; a log has no ids, and the lines differ",
    ),
    ("dupe: page_view_id different derived_tstamp", "2021-03-02 19:25:22", 7): (
        8,
        "a page view sent twice under one id; a log has no ids, and the lines differ",
    ),
}
CHANNELS = {
    "Direct": "direct", "Cross-network": "cross_network", "Paid Shopping": "paid_shopping",
    "Paid Search": "paid_search", "Paid Social": "paid_social", "Paid Video": "paid_video",
    "Display": "display", "Paid Other": "paid_other", "Organic Shopping": "organic_shopping",
    "Organic Social": "social", "Organic Video": "organic_video", "Organic Search": "organic_search",
    "Referral": "referral", "Email": "email", "Affiliates": "affiliate", "Audio": "audio", "SMS": "sms",
    "Mobile Push Notifications": "push", "Unassigned": "unassigned",
}  # fmt: skip


def line(at: datetime, visitor: str, target: str, agent: str = BROWSER, **more: object) -> str:
    """One line of a combined log with the visitor's cookie at its end."""
    moment = at.replace(tzinfo=UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    method, status, referrer = more.get("method", "GET"), more.get("status", 200), more.get("referrer", "-")
    address = more.get("address", "198.51.100.7")
    request = f'"{method} {target} HTTP/1.1" {status} 512 "{referrer}" "{agent}" "{visitor}"'
    return f"{address} - - [{moment}] {request}"


def snowplow_lines() -> list[str]:
    """The tracker's page views as a server saw them: no pings, no clicks, no event ids."""
    with shared("snowplow_web/source/snowplow_web_events.csv").open(encoding="utf-8") as file:
        views = [row for row in csv.DictReader(file) if row["event_name"] == "page_view"]
    return [
        line(
            datetime.fromisoformat(row["derived_tstamp"]).replace(microsecond=0),
            row["domain_userid"] or "-",
            row["page_urlpath"] or "/",
            row["useragent"].replace('"', "") or BROWSER,
        )
        for row in sorted(views, key=lambda row: row["derived_tstamp"])
    ]


def channel_cases() -> list[dict[str, str]]:
    return json.loads(shared("referer_dbt_ga4/channel_grouping_cases.json").read_text(encoding="utf-8"))


def referrer_lines() -> list[str]:
    """Each case as the first request of a visitor of its own."""
    lines = []
    for number, case in enumerate(channel_cases()):
        named = {"utm_source": case["source"], "utm_medium": case["medium"], "utm_campaign": case["campaign"]}
        query = "&".join(f"{name}={value.replace(' ', '+')}" for name, value in named.items() if value)
        lines.append(line(datetime(2026, 1, 5, 9, number), f"case{number}", f"/?{query}"))
    return lines


def scanner_site() -> tuple[list[str], list[dict[str, str]]]:
    """A month in which three scanners and one reader fill in the contact form: the log and the forms."""
    day, lines, forms = datetime(2026, 2, 10, 3), [], []
    visitors = {"named": "sqlmap/1.8", "doors": BROWSER, "hasty": BROWSER, "reader": BROWSER}
    for hour, (visitor, agent) in enumerate(visitors.items()):
        at = day.replace(hour=3 + hour)
        lines.append(line(at, visitor, "/contact", agent))
        if visitor == "doors":
            lines.append(line(at.replace(second=1), visitor, "/.env", agent, status=404))
        if visitor == "hasty":
            lines += [line(at.replace(second=n), visitor, f"/blog/{n}", agent) for n in range(1, 30)]
        sent = at.replace(minute=2)
        lines.append(line(sent, visitor, "/contact", agent, method="POST", status=303))
        forms.append(
            {"submission_id": f"s-{visitor}", "submitted_at": sent.isoformat() + "+00:00", 
             "form_id": "contact", "form_kind": "inquiry", "visitor_id": visitor, "page": "/contact",
             "name": "山田 太郎",
             "email": f"{visitor}@buyer.example.jp", "message": "費用を教えてください"}
        )  # fmt: skip
    return lines, forms


@cache
def built() -> Home:
    """A home with the three sites, built once."""
    landing = Path(_kept.name) / "landing"
    scanners, forms = scanner_site()
    texts = {
        "web/snowplow/access.log": snowplow_lines(),
        "web/referrers/access.log": referrer_lines(),
        "web/scanned/access.log": scanners,
        "forms/scanned/february.jsonl": [json.dumps(form, ensure_ascii=False) for form in forms],
    }
    for name, lines in texts.items():
        path = landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    home = Home(Path(_kept.name) / "home").prepare()
    report = ingest.ingest(home, landing=landing, zone=DEFAULT_ZONE)
    assert not report.troubles and report.rows_rejected == 0
    build(home, ["resource_type:seed", *(f"+{model}" for model in MODELS)])
    return home


def build(home: Home, select: list[str]) -> None:
    transform.build(
        home.warehouse,
        home.dbt_target,
        as_of="2026-03-31",
        known_at=ALL_KNOWN,
        zone=DEFAULT_ZONE,
        full_refresh=True,
        select=select,
        with_tests=False,  # the data tests run elsewhere
    )


def rows(sql: str) -> list[tuple]:
    with duckdb.connect(str(built().warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_thirty_of_thirty_channel_cases_come_out_of_our_rules() -> None:
    found = dict(rows("select visitor_id, channel from behaviour.fct_sessions where visitor_id like 'case%'"))
    wrong = {
        tuple(case.values()): found.get(f"case{number}")
        for number, case in enumerate(channel_cases())
        if found.get(f"case{number}") != CHANNELS[case["expected_channel"]]
    }
    assert len(found) == 30
    assert not wrong


def expected_sessions() -> list[dict[str, str]]:
    with shared("snowplow_web/expected/default/snowplow_web_sessions_expected.csv").open(
        encoding="utf-8"
    ) as file:
        return list(csv.DictReader(file))


def test_every_session_that_a_log_can_know_is_found_and_the_others_are_explained() -> None:
    ours = {
        (visitor, started): views
        for visitor, started, views in rows(
            "select case when visitor_id like 'day-%' then '' else visitor_id end,"
            " strftime(started_at, '%Y-%m-%d %H:%M:%S'), page_views from behaviour.fct_sessions"
        )
    }
    different, same = {}, 0
    for session in expected_sessions():
        started, views = session["start_tstamp"][:19], int(session["page_views"])
        found = ours.get((session["original_domain_userid"], started))
        if found == views:
            same += 1
        else:
            different[session["user_id"], started, views] = found
    assert different == {key: found for key, (found, _why) in DIFFERENCES.items()}
    assert same == 18 - len(DIFFERENCES) == 6


def test_no_page_view_of_the_tracker_is_lost_or_in_two_sessions() -> None:
    [(views,)] = rows(
        "select count(*) from behaviour.int_page_views where row_key in"
        " (select row_key from raw_web.requests where stream = 'snowplow' and occurrence = 1)"
    )
    [(requests,)] = rows("select count(*) from raw_web.requests where stream = 'snowplow' and occurrence = 1")
    assert views == requests


def test_scanners_that_fill_in_forms_are_no_leads_and_the_page_says_so() -> None:
    passes = dict(
        rows(
            "select visitor_id, is_of_lead from funnel.fct_form_passes where passed_month = date '2026-02-01'"
        )
    )
    assert passes == {"named": False, "doors": False, "hasty": False, "reader": True}
    [(form_passes, machine, warning)] = rows(
        "select form_passes, form_passes_machine, warning from reporting.rpt_form_warnings"
        " where month = date '2026-02-01'"
    )
    assert (form_passes, machine, warning) == (4, 3, "mostly_machines")
    effects = dict(
        rows(
            "select rule_id, removed from reporting.rpt_machine_effect"
            " where month = date '2026-02-01' and kpi = 'form_passes'"
        )
    )
    assert effects.pop("all") == 3 and sum(effects.values()) == 3 and len(effects) == 3


def test_a_rule_switched_off_gives_the_numbers_back() -> None:
    state = "select count(*), count(*) filter (where is_machine), sum(cast(hash(touch) as hugeint))"
    state += " from behaviour.fct_touches as touch"
    [before] = rows(state)
    assert before[1] > 0
    switch(False)
    [without] = rows(state)
    switch(True)
    assert without[:2] == (before[0], 0)
    assert rows(state) == [before]


def switch(is_on: bool) -> None:
    with duckdb.connect(str(built().warehouse)) as connection:
        connection.execute("update behaviour.machine_rules set is_on = ?", [is_on])
    build(built(), JUDGING)


BROWSERS_OF_PEOPLE = [
    BROWSER,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Mobile/15E148 Safari Line/14.9.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile Instagram 331.0.0",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile"
    " Safari/537.36",
    "Mozilla/5.0 (Linux; Android 12; Panasonic P-01K) AppleWebKit/537.36 Chrome/110.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:143.0) Gecko/20100101 Firefox/143.0",
    f"{BROWSER} Edg/141.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:24.0) Gecko/20100101 Thunderbird/24.2.0 Lightning/2.6.4",
    "Mozilla/5.0 (Linux; Android 14; SM-S911Q) AppleWebKit/537.36 Mobile Safari/537.36 YJApp-ANDROID",
    "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko",
]


def judged(agents: list[str]) -> set[str]:
    """The browser names that our rules take for machines."""
    with duckdb.connect(str(built().warehouse), read_only=True) as connection:
        found = connection.execute(
            "select distinct agent from (select unnest(?) as agent) as agents"
            " inner join behaviour.machine_rules_in_force as rules"
            " on rules.kind = 'user_agent' and lower(agent) like rules.pattern",
            [agents],
        ).fetchall()
    return {agent for (agent,) in found}


def test_the_browsers_of_people_are_not_on_the_list_of_crawlers() -> None:
    assert judged(BROWSERS_OF_PEOPLE) == set()


def test_the_crawlers_that_name_themselves_are_known() -> None:
    examples = sorted({example for entry in crawlers.listed() for example in entry["instances"]})
    missed = set(examples) - judged(examples)
    assert len(missed) <= len(examples) / 200, sorted(missed)


def test_the_rules_are_those_of_the_installed_list() -> None:
    written = crawlers.SEED.read_text(encoding="utf-8")
    assert written == crawlers.seed_text(), "run `python -m orchestration.crawlers` and commit the CSV"


@pytest.mark.parametrize(
    ("expression", "patterns"),
    [
        ("Googlebot\\/", ["%googlebot/%"]),
        ("[wW]get", ["% wget%", "%(wget%", "%;wget%", "wget%"]),
        ("^curl", ["curl%"]),
        ("Ahrefs(Bot|SiteAudit)", ["%ahrefsbot%", "%ahrefssiteaudit%"]),
        ("SSL Labs$", ["%ssl labs"]),
        ("Current[\\s\\S]*RSS Reader", ["%current%rss reader%"]),
    ],
)
def test_an_expression_becomes_like_patterns(expression: str, patterns: list[str]) -> None:
    assert crawlers.like_patterns(expression) == patterns
