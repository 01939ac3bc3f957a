"""A hand-made warehouse and truth with counted rights and wrongs, for the tests of the scorer.

Ai (p1) has an address, a lead and a mail token; Ben (p2) an address and a token. The marts join Ai's address
and lead with Ben's address, and leave both tokens alone. Both read pages; crawlers do so too.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

AS_OF = "2026-10-31"

MARTS = """
create schema raw_lists; create schema raw_forms; create schema raw_crm; create schema raw_web;
create schema raw_email; create schema identity; create schema behaviour; create schema scoring;
create schema lifecycle; create schema routing; create schema activation; create schema reporting;
create table raw_lists.rows (phone text, mobile text, person_name text, company_key text, source_file text,
    line_number bigint);
create table raw_forms.submissions (phone text, person_name text, company_key text, submission_id text,
    visitor_id text);
create table raw_crm.leads (phone text, person_name text, company_key text, lead_id text);
create table raw_web.requests (row_key text, client_address text, visitor_id text, occurred_at timestamp,
    path text, mail_token text);
create table raw_email.events (row_key text, event_id text, recipient text, event_type text);
create table identity.person_identifiers (identifier text, person_id text);
create table identity.dim_people (person_id text, company_id text, department text,
    department_category text, is_internal boolean);
create table identity.dim_employments (person_id text, company_id text);
create table identity.int_departments_categorised (department text, department_category text);
create table behaviour.fct_touches (touch_id text, person_id text, is_machine boolean, source text,
    touch_type text, row_key text);
create table behaviour.fct_sessions (visitor_id text, started_at timestamp, ended_at timestamp,
    page_views bigint, is_machine boolean);
create table scoring.fct_lead_scores (person_id text, total_score decimal(18, 6),
    behaviour_score decimal(18, 6), score_band text, timing_30d decimal(9, 6), timing_90d decimal(9, 6));
create table scoring.score_bands (band_kind text, band text, min_score int);
create table lifecycle.fct_tier_history (person_id text, tier text, valid_from timestamp,
    valid_to timestamp);
create table lifecycle.lead_consents (person_id text, channel text, status text);
create table routing.fct_lead_routes (route_id text, person_id text, owner_unit_id text,
    routed_at timestamp);
create table routing.fct_handoffs (route_id text, person_id text, routed_at timestamp,
    is_contact_late boolean, escalated_at timestamp);
create table activation.sync_webhook__routed_leads (sync_key text, person_id text, email text);
create table activation.sync_files__routed_leads (sync_key text, person_id text, email text);
create table reporting.rpt_kpis_monthly (month date, visitors bigint, form_passes bigint,
    leads_person bigint, leads_new bigint, opportunities bigint, orders bigint, revenue_jpy decimal(18, 2),
    action_rate_literal double, action_rate_person double, action_rate_new double, opp_rate_period double);
"""

ROWS = """
insert into identity.person_identifiers values
    ('email:ai@a.jp', 'X'), ('crm_lead:L1', 'X'), ('email:ben@a.jp', 'X'),
    ('mail_token:t1', 'Y'), ('mail_token:t2', 'Z');
insert into identity.dim_people values
    ('X', 'C', '経理部', 'finance', false), ('Y', null, null, null, false), ('Z', 'C', '営業部', 'hr', false),
    ('W1', 'D', null, null, false), ('W2', 'D', null, null, false), ('W3', null, null, null, false);
insert into identity.person_identifiers values
    ('email:w1@b.jp', 'W1'), ('email:w2@b.jp', 'W2'), ('email:w3@b.jp', 'W3');
insert into raw_web.requests select 'w' || n, '10.0.0.1', 'v1',
    timestamp '2026-10-01 00:00:00' + n * interval 1 second, '/price/', null from range(4) as numbers (n);
insert into raw_web.requests select 'm' || n, '10.0.0.9', null,
    timestamp '2026-10-02 00:00:00' + n * interval 1 second, '/faq/', null from range(5) as numbers (n);
insert into raw_forms.submissions values (null, null, null, 's1', 'v1');
insert into behaviour.fct_touches select 'w' || n, case when n < 3 then 'X' end, n = 3, 'web', 'page_view',
    'w' || n from range(4) as numbers (n);
insert into behaviour.fct_touches select 'm' || n, null, n < 2, 'web', 'page_view', 'm' || n
    from range(5) as numbers (n);
insert into raw_email.events values ('e1', 'E1', 'ai@a.jp', 'opened'), ('e2', 'E2', 'ai@a.jp', 'clicked');
insert into behaviour.fct_touches values
    ('e1', 'X', true, 'email', 'email_opened', 'e1'), ('e2', 'X', true, 'email', 'email_clicked', 'e2');
insert into behaviour.fct_sessions values
    ('v1', timestamp '2026-10-01 00:00:00', timestamp '2026-10-01 00:00:03', 4, false),
    ('v1', timestamp '2026-10-05 00:00:00', timestamp '2026-10-05 00:00:03', 4, false);
insert into scoring.score_bands values ('total', 'hot', 45), ('total', 'cold', -100000);
insert into scoring.fct_lead_scores select *, total_score / 100, total_score / 50 from (values
    ('X', 50, 9, 'hot'), ('Z', 40, 9, 'cold'), ('W1', 30, 9, 'cold'), ('W2', 20, 1, 'cold'),
    ('W3', 10, 1, 'cold')) as scores (person_id, total_score, behaviour_score, score_band);
insert into lifecycle.fct_tier_history values ('X', 'latent', timestamp '2026-08-01', timestamp '2026-09-15'),
    ('X', 'prospect', timestamp '2026-09-15', null), ('W1', 'latent', timestamp '2026-08-01', null);
insert into lifecycle.lead_consents values ('X', 'email', 'granted'), ('W1', 'email', 'denied');
insert into routing.fct_lead_routes values ('r1', 'X', 'prod-crm', timestamp '2026-10-01'),
    ('r2', 'W1', 'prod-erp', timestamp '2026-10-01'), ('r3', 'W2', 'prod-erp', timestamp '2026-10-01');
insert into routing.fct_handoffs values ('r1', 'X', timestamp '2026-09-30', true, null),
    ('r2', 'W1', timestamp '2026-09-30', false, null);
insert into activation.sync_webhook__routed_leads values ('X', 'X', 'ai@a.jp'), ('W1', 'W1', 'w1@b.jp'),
    ('W2', 'W2', 'w2@b.jp');
insert into reporting.rpt_kpis_monthly values ('2026-09-01', 90, 10, 1, 1, 0, 0, 0, 0.1, null, null, null),
    ('2026-10-01', 100, 12, 1, 1, 0, 0, 0, 0.12, null, null, null);
"""

TRUTH = {
    "people": """
        select *, [company_key] as company_keys from (values
            ('p1', 'prospect', 'c1', 'finance', null), ('p2', 'prospect', 'c1', 'sales', 'homonym'),
            ('p3', 'prospect', 'c2', null, null), ('p4', 'prospect', 'c3', null, 'free_mail'),
            ('p5', 'prospect', 'c2old', null, null)
        ) as rows (person_key, kind, company_key, department_category, trouble)""",
    "identifiers": """
        select *, kind = 'cookie' as is_tied from (values
            ('email', 'ai@a.jp', 'p1', null), ('crm_lead', 'L1', 'p1', null), ('cookie', 'v1', 'p1', null),
            ('mail_token', 't1', 'p1', null),
            ('email', 'ben@a.jp', 'p2', null), ('mail_token', 't2', 'p2', null),
            ('email', 'w1@b.jp', 'p3', null), ('email', 'w2@b.jp', 'p4', null),
            ('email', 'w3@b.jp', 'p5', null)
        ) as rows (kind, value, person_key, trouble)""",
    "requests": """
        select 'v1' as visitor_id, timestamp '2026-10-01 00:00:00' + n * interval 1 second as occurred_at,
            '10.0.0.1' as client_address, case when n = 2 then 'p2' else 'p1' end as person_key,
            false as is_machine, null as machine_kind, case when n = 2 then 'shared_device' end as trouble,
            '10.0.0.1 - - [] "GET /price/?a=b HTTP/1.1" 200 1' as line
        from range(4) as numbers (n)
        union all
        select null, timestamp '2026-10-02 00:00:00' + n * interval 1 second, '10.0.0.9', null, true,
            case when n = 4 then 'hidden_crawler' else 'named_crawler' end, null,
            '10.0.0.9 - - [] "GET /faq/ HTTP/1.1" 200 1'
        from range(5) as numbers (n)""",
    "email_events": """
        select * from (values ('E1', 'p1', true, 'privacy_proxy'), ('E2', 'p1', false, null))
        as rows (sg_event_id, person_key, is_machine, machine_kind)""",
    "sessions": """
        select * from (values
            ('v1', timestamp '2026-10-01 00:00:00', timestamp '2026-10-01 00:00:03', 4, false),
            ('v1', timestamp '2026-10-05 00:00:00', timestamp '2026-10-05 00:00:09', 5, false),
            ('v1', timestamp '2026-10-06 00:00:00', timestamp '2026-10-06 00:00:09', 5, false),
            ('v9', timestamp '2026-11-06 00:00:00', timestamp '2026-11-06 00:00:09', 5, false)
        ) as rows (visitor_id, started_at, ended_at, page_views, is_machine)""",
    "companies": """
        select * from (values ('c1', null, null), ('c2', null, 'company_merged'), ('c3', null, null),
            ('c2old', 'c2', 'company_merged')) as rows (company_key, merged_into, trouble)""",
    "hazards": """
        select person_key, date '2026-10-01' as month, hazard as hazard_30d, hazard as hazard_90d
        from (values ('p1', 0.5), ('p2', 0.1), ('p3', 0.2), ('p4', 0.2), ('p5', 0.05))
            as rows (person_key, hazard)""",
    "tiers": """
        select * from (values
            ('p1', 'latent', timestamp '2026-08-01', timestamp '2026-09-15'),
            ('p1', 'prospect', timestamp '2026-09-15', null::timestamp),
            ('p3', 'latent', timestamp '2026-08-01', timestamp '2026-09-20'),
            ('p3', 'apparent', timestamp '2026-09-20', null)
        ) as rows (person_key, tier, valid_from, valid_to)""",
    "kpis": """
        select * from (values (date '2026-09-01', 'visitors', 100), (date '2026-10-01', 'visitors', 100),
            (date '2026-09-01', 'form_passes', 10), (date '2026-10-01', 'form_passes', 10),
            (date '2026-10-01', 'orders', 0)) as rows (month, kpi, value)""",
    "routes": """
        select * from (values ('p1', 'prod-crm', timestamp '2026-09-30', 'asked'),
            ('p3', 'prod-crm', timestamp '2026-09-30', 'asked'),
            ('p5', 'prod-crm', timestamp '2026-09-30', 'ripe'), ('p2', null, timestamp '2026-09-30', 'asked'))
        as rows (person_key, right_owner, due_at, reason)""",
    "waits": """
        select * from (values
            ('p1', timestamp '2026-09-30 05:00:00', timestamp '2026-10-20', 'waiting_reps'),
            ('p3', timestamp '2026-09-30 05:00:00', timestamp '2026-10-20', 'waiting_reps'))
        as rows (person_key, handed_at, first_contact_at, trouble)""",
    "consents": """
        select * from (values
            ('p1', 'ai@a.jp', 'email', 'denied', timestamp '2026-09-01', null::timestamp),
            ('p1', 'ai@a.jp', 'email', 'granted', timestamp '2026-08-01', timestamp '2026-09-01'),
            ('p3', 'w1@b.jp', 'email', 'denied', timestamp '2026-09-01', null),
            ('p4', 'w2@b.jp', 'email', 'granted', timestamp '2026-09-01', null)
        ) as rows (person_key, email, channel, status, valid_from, valid_to)""",
}


def write_marts(file: Path) -> Path:
    with duckdb.connect(str(file)) as connection:
        connection.execute(MARTS)
        connection.execute(ROWS)
    return file


def write_truth(folder: Path, *tables: str) -> Path:
    """The truth tables named, or all of them."""
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        for name in tables or TRUTH:
            connection.execute(f"copy ({TRUTH[name]}) to '{folder / name}.parquet'")
    return folder
