"""Invented scores of a past and of one lead, as the pages on scores show them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import duckdb

TABLES = """
create table reporting.rpt_score_backtest (score_kind text, outcome text, horizon_days int, cut_on date,
    people bigint, hits bigint, auc_told text, found_told text, lift_told text, shuffled_told text);
create table reporting.rpt_score_calibration (score_kind text, outcome text, horizon_days int,
    band_name_ja text,
    band_name_en text, min_score double, people bigint, hits bigint, rate_told text, interval_told text,
    expected_rate double);
create table reporting.rpt_score_yield (score_kind text, outcome text, horizon_days int, called_pct int,
    found_share double, chance_share double, is_enough boolean);
create table reporting.rpt_nurture (topic_kind text, topic_id text, tier text, people bigint,
    mean_nurture_degree double);
create table reporting.rpt_lead_scores (person_id text, standing text, score_7d decimal(18, 6),
    score_30d decimal(18, 6), score_90d decimal(18, 6), score_lifetime decimal(18, 6), bant_score int,
    bant_known int, timing_30d_rate double, timing_90d_rate double, nurture_degree decimal(9, 6));
create table reporting.rpt_lead_curve (person_id text, scored_on date, behaviour_score decimal(18, 6));
create table reporting.rpt_lead_topics (person_id text, topic_kind text, topic_id text, deeds bigint,
    nurture_degree decimal(9, 6), breadth_share double, depth_share double, recency_share double,
    knowledge_share double, last_deed_at timestamp);
create table reporting.rpt_lead_bant (person_id text, dimension text, is_positive boolean, answer text,
    said_at timestamp, rule_name_ja text, rule_name_en text, rule_why_ja text, rule_why_en text);
"""
CUT = "date '2026-08-02'"


def publish(connection: duckdb.DuckDBPyConnection, *, empty: bool) -> None:
    """Create the tables; fill them unless the publication is to be an empty one."""
    connection.execute(TABLES)
    if empty:
        return
    connection.execute(
        f"insert into reporting.rpt_score_backtest values "
        f"('behaviour', 'opportunity', 90, {CUT}, 1677, 31, '0.850', '45.2%', '4.5', '0.542'), "
        f"('behaviour', 'order', 90, {CUT}, 1677, 6, 'too_few', 'too_few', 'too_few', 'too_few')"
    )
    connection.execute(
        "insert into reporting.rpt_score_calibration values "
        "('behaviour', 'opportunity', 90, '1', '1', 25, 12, 4, 'too_few', 'too_few', null), "
        "('behaviour', 'opportunity', 90, '2', '2', 12, 222, 9, '4.1%', '2.1–7.5%', null)"
    )
    connection.execute(
        "insert into reporting.rpt_score_yield select 'behaviour', 'opportunity', 90, n * 5, sqrt(n / 20.0), "
        "n / 20.0, true from range(1, 21) as numbers (n)"
    )
    connection.execute(
        "insert into reporting.rpt_nurture values ('product', 'erp', 'apparent', 40, 31.5), "
        "('product', 'erp', 'latent', 90, 12.25), ('solution', 'sales', 'latent', 12, 8.0)"
    )
    _one_lead(connection)


def _one_lead(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "insert into reporting.rpt_lead_scores "
        "values ('p0000', 'lead', 4, 12.5, 30, 44, 2, 3, 0.021, 0.064, 48.5)"
    )
    weeks = [["p0000", date(2026, 10, 31) - timedelta(days=7 * week), 30 - week] for week in range(27)]
    connection.executemany("insert into reporting.rpt_lead_curve values (?, ?, ?)", weeks)
    topic = ["p0000", "product", "erp", 9, 48.5, 0.5, 0.9, 0.2, 0.34, datetime(2026, 10, 20, 3)]
    connection.execute("insert into reporting.rpt_lead_topics values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", topic)
    word = [
        "p0000",
        "budget",
        True,
        "確保済み",
        datetime(2026, 5, 20),
        "予算",
        "budget",
        "確保されている",
        "It is there",
    ]
    connection.execute("insert into reporting.rpt_lead_bant values (?, ?, ?, ?, ?, ?, ?, ?, ?)", word)
