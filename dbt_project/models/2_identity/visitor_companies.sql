with

    lines as (select * from {{ ref("int_visitor_lines") }}),
    members as (select * from {{ ref("int_company_members") }}),

    visitors as (
        select
            lines.visitor_id,
            members.company_id,
            max(lines.confidence) as confidence,
            min(lines.cidr) as cidr,
            min(lines.first_seen_at) as first_seen_at,
            max(lines.last_seen_at) as last_seen_at,
            cast(sum(lines.request_count) as bigint) as request_count
        from lines
        inner join members on lines.company_identifier = members.company_identifier
        group by lines.visitor_id, members.company_id
    )

select *
from visitors
