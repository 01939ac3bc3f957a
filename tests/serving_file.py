"""A small published DuckDB file with invented Japanese data in the tables that most pages read.

The other tables of a publication (`serving_tables.txt`) are there, and empty.

Used by the tests of the pages; `publish_file(folder, 'run-1')` writes `serving-run-1.duckdb` and flips
the link to it, as publication does.
"""

from __future__ import annotations

import os
import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import review_pairs
import score_rows
import serving_tables

TABLES = """
create schema reporting;
create schema activation;
create schema raw_intake;
create table reporting.rpt_kpis_monthly (month date, visitors bigint, form_passes bigint, leads_person
    bigint, leads_new bigint, opportunities bigint, orders bigint, revenue_jpy decimal(18, 2),
    action_rate_literal double, action_rate_person double, action_rate_new double, opp_rate_period
    double, opp_rate_cohort_3m double, mean_months_to_opp double, is_mature boolean);
create table reporting.rpt_action_by_form_kind (month date, form_kind text, form_passes bigint, persons
    bigint, new_leads bigint);
create table reporting.rpt_cohorts (cohort_month date, age_months int, leads bigint, opportunities_cum
    bigint, orders_cum bigint, opp_rate_cum double, is_mature boolean);
create table reporting.rpt_campaigns (campaign_id text, campaign_name text, channel text, cost_jpy
    decimal(18, 2), leads bigint, opportunities bigint, orders bigint, revenue_jpy decimal(18, 2),
    margin_jpy decimal(18, 2), roi double, cost_per_order double);
create table reporting.rpt_leads (person_id text, display_name text, company_name text, department text,
    position text, email text, phone text, tier text, state text, fit_score decimal(18, 6),
    behaviour_score decimal(18, 6), total_score decimal(18, 6), grade text, score_band text,
    last_touch_at timestamp, owner_unit_id text, owner_unit_name_ja text, owner_unit_name_en text,
    routed_at timestamp, route_rule_id text, route_rule_name_ja text,
    route_rule_name_en text, route_why_ja text, route_why_en text);
create table reporting.rpt_lead_timeline (person_id text, occurred_at timestamp, time_precision text,
    touch_type text, touch_name_ja text, touch_name_en text, channel text, detail text, product_id text,
    points decimal(18, 6), is_machine boolean, was_anonymous boolean, row_key text, touch_id text);
create table reporting.rpt_lead_points (person_id text, touch_id text, occurred_at timestamp, rule_id
    text, rule_why_ja text, rule_why_en text, rule_name_ja text, rule_name_en text, score_kind text,
    nominal_points decimal(18, 6), points decimal(18, 6), window_days int, half_life_days int, evidence text,
    was_anonymous boolean);
create table reporting.rpt_lead_identity (person_id text, left_identifier text, right_identifier text,
    rule_id text, rule_name_ja text, rule_name_en text, rule_why_ja text, rule_why_en text,
    confidence double, first_claimed_at timestamp);
create table reporting.rpt_health (source text, files bigint, rows_read bigint, rows_loaded bigint,
    rows_duplicate bigint, rows_rejected bigint, rows_held bigint);
create table reporting.rpt_held (hold_id text, source text, raw_table text, path text, load_at timestamp,
    rows_held bigint, reason text, held_at timestamp);
create table reporting.rpt_errors (rank bigint, area text, measure text, trouble text, value double, n
    bigint);
create table reporting.rpt_run (run_id text, as_of date, published_at timestamp);
create table raw_intake.rejects (source text, path text, line_number bigint, text text, reason text,
    rejected_at timestamp);
create table activation.rows (sync text, key text, person_id text, state text, remote_id text, updated_at
    timestamp, error_text text);
"""
# One row or a few in tables whose other columns no test looks at.
MORE = """
insert into identity.dim_companies (company_id, company_name, email_domain, industry, is_target, people_count)
    values ('c1', '北都精機株式会社', 'hokuto.example', '製造業', true, 2);
insert into scoring.fct_company_scores (company_id, people_count, total_score, top_score, known_points)
    values ('c1', 2, 64.25, 54.87, 60);
insert into identity.dim_people (person_id, display_name, email, company_id, company_name, is_internal)
    values ('p0000', '佐藤 太郎', 'p0@example.jp', 'c1', '北都精機株式会社', false);
insert into funnel.fct_kpi_changes (change_id, compared_with, month, compared_month, opportunities_before,
    opportunities, by_visitors, by_action_rate, by_opportunity_rate)
    values ('1', 'former_month', date '2026-10-01', date '2026-09-01', 37, 40, 2.5, 1.5, -1);
insert into routing.sales_units (unit_id, cut, name_ja, name_en)
    values ('u1', 'area', '関東営業部', 'Kanto sales');
insert into routing.fct_handoffs (route_id, person_id, owner_unit_id, state, routed_at, is_overdue)
    values ('r1', 'p0000', 'u1', 'routed', timestamp '2026-10-20 03:00:00', true);
insert into routing.fct_contact_blocks (block_id, requested_by_unit_id, channel, reason, people_blocked)
    values ('B01', 'u1', 'email', 'Contract talks under way', 3);
insert into routing.lead_contact_blocks (person_id, channel, requested_by_unit_id, reason)
    values ('p0000', 'email', 'u1', 'Contract talks under way');
insert into reporting.rpt_kpi_catalogue (kpi_id, name_ja, name_en, unit, grain)
    values ('action_rate_new', 'アクション率(新規)', 'action rate, new', 'fraction', 'month');
insert into reporting.rpt_published_numbers
    (kpi_id, period, segment_kind, run_id, published_at, value) values
    ('action_rate_new', date '2026-09-01', 'all', 'run-0', timestamp '2026-10-01 00:00:00', 0.0151),
    ('action_rate_new', date '2026-09-01', 'all', 'run-1', timestamp '2026-10-02 00:00:00', 0.0158);
insert into reporting.rpt_restatements values
    ('run-0', 'run-1', 'action_rate_new', date '2026-09-01', 'all', 'all', 0.0151, 0.0158, 0, 0.0009, -0.0001,
    -0.0001, 0);
insert into reporting.rpt_funnel_diagnosis
    (rule_id, priority, problem, is_fired, is_verdict, title_ja, title_en, text_ja, text_en) values
    ('r1', 1, 'nurture', true, true, '次に取り組むのは育成です', 'The next thing is nurturing',
    'アクション率は0.80 %まで来ています。', 'The action rate has come to 0.80 %.');
insert into reporting.rpt_funnel_facts (fact_id, name_ja, name_en, value, unit)
    values ('visitors_change', '来訪者数の増減', 'change in visitors', 1.12, 'change');
insert into reporting.rpt_campaign_findings (finding_id, campaign_id, finding_kind, place, text_ja, text_en)
    values ('f1', 'banner-2026', 'undesigned', 1, '設計のない費用 380,000円', 'JPY 380,000 without a design');
insert into lifecycle.tiers (tier, tier_rank, in_nurture_scope)
    values ('latent', 1, true), ('apparent', 2, true);
insert into lifecycle.fct_tier_history (person_id, tier, valid_from)
    values ('p0000', 'latent', timestamp '2026-09-01 00:00:00');
"""
FAMILY = ["佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村", "小林", "加藤", "長谷川", "五十嵐"]
GIVEN = ["太郎", "花子", "健一", "美咲", "大輔", "さくら", "翔", "由美子", "誠", "恵"]
COMPANIES = [
    "北都精機株式会社",
    "株式会社みなと物流",
    "青葉信用金庫",
    "東和建設株式会社",
    "株式会社ひかりシステムズ",
    "三河樹脂工業株式会社",
]
UNITS = [
    ("area-kanto", "関東営業部", "Kanto sales"),
    ("acct-finance", "金融営業部", "Finance accounts"),
    (None, None, None),
]
RULES = [
    ("document_request", "資料請求", "Document request", "資料を取り寄せるのは具体的な関心のしるし", 10, 90),
    ("price_view", "価格ページの閲覧", "Price page viewed", "価格を調べるのは検討が進んだしるし", 5, 30),
    ("case_study_view", "事例の閲覧", "Case study viewed", "自社に当てはめて考え始めている", 3, 30),
]
STORY = [
    # TL02 of the article: a card at an exhibition, then a document on the own site, then the case studies.
    (date(2026, 10, 7), None, "card_exchanged", "名刺交換", "Card exchanged", "expo", "展示会 2026 秋"),
    (
        date(2026, 10, 9),
        1,
        "document_request",
        "資料請求",
        "Document requested",
        "email",
        "/thanks/download-analytics",
    ),
    (
        date(2026, 10, 9),
        2,
        "case_study_view",
        "事例の閲覧",
        "Case study viewed",
        "email",
        "/case/hokuto-seiki",
    ),
]
HOSTILE_NAME = "<script>alert(1)</script>"
FORMULA = "=cmd|' /C calc'!A0"


def publish_file(serving: Path, run_id: str, *, empty: bool = False, people: int = 130) -> Path:
    """Write `serving-<run_id>.duckdb` and flip `serving.duckdb` to it. `empty`: no rows, but the run."""
    serving.mkdir(parents=True, exist_ok=True)
    file = write_serving_file(serving / f"serving-{run_id}.duckdb", run_id, empty=empty, people=people)
    link = serving / f".link-{run_id}"
    link.symlink_to(file.name)
    os.replace(link, serving / "serving.duckdb")
    return file


def write_serving_file(file: Path, run_id: str, *, empty: bool = False, people: int = 130) -> Path:
    """The tables, filled from a seed, so that the same arguments give the same rows."""
    with duckdb.connect(str(file)) as connection:
        connection.execute("begin")
        connection.execute(TABLES)
        connection.execute("commit")
        score_rows.publish(connection, empty=empty)
        _insert(
            connection, "reporting.rpt_run", [(run_id, date(2026, 10, 31), datetime(2026, 10, 31, 18, 30))]
        )
        if not empty:
            _fill(connection, random.Random(7), people)
        serving_tables.complete(connection)
        if not empty:
            connection.execute(MORE)
    return file


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[tuple]) -> None:
    one = f"({', '.join('?' * len(rows[0]))})"
    connection.execute(
        f"insert into {table} values {', '.join([one] * len(rows))}", [v for row in rows for v in row]
    )


def _fill(connection: duckdb.DuckDBPyConnection, dice: random.Random, people: int) -> None:
    months = [date(2025 + (8 + n) // 12, (8 + n) % 12 + 1, 1) for n in range(14)]
    _insert(connection, "reporting.rpt_kpis_monthly", [_kpis(n, month) for n, month in enumerate(months)])
    kinds = ["download", "inquiry", "seminar", "quote", "newsletter"]
    by_kind = [
        (m, kind, 90 - 15 * n, 80 - 14 * n, 60 - 11 * n) for m in months for n, kind in enumerate(kinds)
    ]
    _insert(connection, "reporting.rpt_action_by_form_kind", by_kind)
    _insert(connection, "reporting.rpt_cohorts", _cohorts(months))
    _insert(connection, "reporting.rpt_campaigns", _campaigns())
    _insert(connection, "reporting.rpt_leads", [_lead(n, dice) for n in range(people)])
    _insert(connection, "reporting.rpt_lead_timeline", _timeline())
    _insert(connection, "reporting.rpt_lead_points", _points())
    links = [
        (
            "p0000",
            "email:sato@hokuto.example",
            "card:9f31",
            "card_email",
            "名刺のメール",
            "address on the card",
            "名刺のメールと同じ",
            "The card shows this address",
            0.99,
            datetime(2026, 10, 7),
        ),
        (
            "p0000",
            "email:sato@hokuto.example",
            "mail_token:7c2e",
            "mail_token",
            "メールの宛先",
            "recipient of the mail",
            "本人あてのメールから来た",
            "The mail was sent to this address",
            0.97,
            datetime(2026, 10, 9, 0, 58),
        ),
    ]
    _insert(connection, "reporting.rpt_lead_identity", links)
    health = [
        ("web", 12, 48210, 48007, 200, 3, 812),
        ("forms", 12, 2100, 2100, 0, 0, 0),
        ("lists", 3, 640, 610, 28, 2, 0),
    ]
    _insert(connection, "reporting.rpt_health", health)
    reason = "column status breaks column_values_to_be_between (RFC 9110 knows no other status) in 2 rows"
    held = ("3fa91b20", "web", "raw_web.requests", "web/www/june.log", datetime(2026, 10, 9), 812, reason)
    _insert(connection, "reporting.rpt_held", [(*held, datetime(2026, 10, 9, 1))])
    errors = [
        (1, "consent", "violations", None, 2.0, 40),
        (2, "identity", "cookie_time_recall", "forwarded_mail", 0.6217, 256),
        (3, "kpis", "visitors_error_mean", None, 0.00004, 14),
        (4, "identity", "cookie_time_recall", "kiosk", None, 0),
    ]
    _insert(connection, "reporting.rpt_errors", errors)
    review_pairs.publish(connection)
    reject = (
        "lists",
        "lists/expo/meishi.csv",
        41,
        "(text)",
        "The date 2026-02-30 does not exist.",
        datetime(2026, 10, 31, 18),
    )
    _insert(connection, "raw_intake.rejects", [reject])
    _insert(
        connection,
        "activation.rows",
        [
            (
                "webhook_routed_leads",
                "lead-0",
                "p0000",
                "acked",
                "C-1042",
                datetime(2026, 10, 31, 18, 31),
                None,
            )
        ],
    )


def _kpis(n: int, month: date) -> tuple:
    """A growing month; October 2026 has 50,000 visitors, 400 passes, 40 opportunities (K03, K05, K07)."""
    visitors, passes = 5000 + 45000 * n // 13, 10 + 390 * n // 13
    persons, new, opportunities = passes * 9 // 10, passes * 3 // 4, 2 + 38 * n // 13
    rates = (passes / visitors, persons / visitors, new / visitors, opportunities / new)
    return (
        month,
        visitors,
        passes,
        persons,
        new,
        opportunities,
        n * 2,
        Decimal(n * 3_400_000),
        *rates,
        0.12 + n / 300 if n < 11 else None,
        2.5 + n / 4,
        n < 11,
    )


def _cohorts(months: list[date]) -> list[tuple]:
    last = len(months) - 1
    return [
        (
            month,
            age,
            100 + 20 * n,
            2 * age + n,
            age,
            (2 * age + n) / (100 + 20 * n) if age < last - n else None,
            age < last - n,
        )
        for n, month in enumerate(months)
        for age in range(0, min(12, last - n) + 1)
    ]


def _campaigns() -> list[tuple]:
    return [
        (
            "expo-2026-05",
            "春の総合展示会 2026 出展",
            "expo",
            4_800_000,
            310,
            24,
            6,
            21_000_000,
            8_400_000,
            0.75,
            800_000.0,
        ),
        (
            "ads-search-2026-05",
            "検索広告(5月)",
            "cpc",
            1_200_000,
            95,
            9,
            2,
            5_600_000,
            1_900_000,
            0.583,
            600_000.0,
        ),
        ("mail-2026-05-newsletter", "メールマガジン5月号", "email", 150_000, 40, 3, 0, 0, 0, -1.0, None),
    ]


def _lead(n: int, dice: random.Random) -> tuple:
    name = FAMILY[n % len(FAMILY)] + " " + GIVEN[(n * 7) % len(GIVEN)]
    company = COMPANIES[n % len(COMPANIES)]
    name, company = {0: ("佐藤 太郎", COMPANIES[0]), 1: (HOSTILE_NAME, FORMULA)}.get(n, (name, company))
    fit, behaviour = Decimal(dice.randrange(0, 4000)) / 100, Decimal(dice.randrange(0, 6000)) / 100
    if n == 0:
        fit, behaviour = (
            Decimal("40"),
            sum((row[10] for row in _points() if row[8] == "behaviour"), Decimal(0)),
        )
    total = fit + behaviour
    band = "hot" if total >= 70 else "warm" if total >= 50 else "cool" if total >= 25 else "cold"
    tier = ["prospect", "latent", "apparent", "existing", "loyal"][n % 5]
    unit = UNITS[n % 3]
    routed = (
        (
            datetime(2026, 10, 20, 3),
            "industry-first",
            "業種から",
            "Industry first",
            "業種が製造で、価格を見たため",
            "Industry",
        )
        if unit[0]
        else (None,) * 6
    )
    return (
        f"p{n:04}",
        name,
        company,
        "情報システム部",
        ["課長", "部長", None][n % 3],
        f"p{n}@example.jp",
        f"+81355550{n:03}",
        tier,
        ["new", "good", "lapsing", None][n % 4],
        fit,
        behaviour,
        total,
        f"{'ABCD'[n % 4]}{n % 4 + 1}",
        band,
        datetime(2026, 10, 1) + timedelta(hours=5 * n),
        *unit,
        *routed,
    )


def _timeline() -> list[tuple]:
    rows = []
    for n, (day, hour, touch_type, name_ja, name_en, channel, detail) in enumerate(STORY):
        # A date-only deed is stored at midnight in Tokyo, 15:00 UTC of the day before.
        at = datetime(day.year, day.month, day.day) + (
            timedelta(hours=hour) if hour is not None else timedelta(hours=-9)
        )
        precision = "second" if hour is not None else "day"
        points = {"document_request": Decimal("8.5"), "case_study_view": Decimal("2.25")}.get(touch_type)
        rows.append(
            (
                "p0000",
                at,
                precision,
                touch_type,
                name_ja,
                name_en,
                channel,
                detail,
                "analytics",
                points,
                False,
                n == 2,
                f"k{n}",
                f"t{n}",
            )
        )
    machine = (
        "p0000",
        datetime(2026, 10, 10, 1),
        "second",
        "email_opened",
        "メールの開封",
        "Mail opened",
        "email",
        None,
        None,
        None,
        True,
        False,
        "k9",
        "t9",
    )
    return [*rows, machine]


def _points() -> list[tuple]:
    fit = (
        "p0000",
        None,
        None,
        "fit_industry",
        "製造業は得意な業種",
        "We know manufacturing",
        "業種の適合",
        "Industry fit",
        "fit",
        Decimal(40),
        Decimal(40),
        None,
        None,
        "製造業",
        False,
    )
    worth = [Decimal("8.5"), Decimal("4.123457"), Decimal("2.25")]
    deeds = [
        (
            "p0000",
            f"t{n}",
            datetime(2026, 10, 9, n + 1),
            rule,
            why,
            f"Why {en.lower()} counts",
            ja,
            en,
            "behaviour",
            Decimal(given),
            worth[n],
            365,
            half_life,
            "/case/hokuto-seiki",
            n == 2,
        )
        for n, (rule, ja, en, why, given, half_life) in enumerate(RULES)
    ]
    return [fit, *deeds]
