{#
  Visitors that are no people, whatever they do next: one row each, with the rule. Only marked rows are read, so the
  table is made anew each time; a late mail event or a late line judges a visit that was loaded long ago.
  Sessions are read twice, each time the few columns or rows it takes: a step that two others read is kept whole.
#}
with

    requests as (select * from {{ ref("int_requests_classified") }}),
    page_views as (select * from {{ ref("int_page_views") }}),
    mail_visits as (select * from {{ ref("mail_visits") }}),
    parts_rules as (
        select *
        from {{ ref("machine_rules_in_force") }}
        where kind = 'pages_without_parts'
    ),

    -- A log without the parts of pages (they may come from elsewhere) accuses nobody.
    streams_with_parts as (
        select stream
        from {{ ref("int_session_entries") }}
        group by stream
        having sum(case when parts_of_pages > 0 then 1 else 0 end) * 2 >= count(*)
    ),

    sessions_without_parts as (
        select *
        from {{ ref("int_session_entries") }}
        where not has_cookie and parts_of_pages = 0
    ),

    verdicts as (
        select visitor_id, attack_rule_id as machine_rule_id
        from requests
        where attack_rule_id is not null
        union all
        select visitor_id, burst_rule_id
        from page_views
        where burst_rule_id is not null
        union all
        select visitor_id, machine_rule_id
        from mail_visits
        where machine_rule_id is not null
        union all
        select sessions_without_parts.visitor_id, parts_rules.rule_id
        from sessions_without_parts
        inner join
            streams_with_parts
            on sessions_without_parts.stream = streams_with_parts.stream
        cross join parts_rules
        where sessions_without_parts.page_views >= parts_rules.threshold
    )

select visitor_id, min(machine_rule_id) as machine_rule_id
from verdicts
group by visitor_id
