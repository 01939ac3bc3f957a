{# LM04: the designed campaigns with the names of their segments and the number of findings. #}
with

    designs as (select * from {{ ref("fct_campaign_designs") }}),

    segments as (select * from {{ ref("segments") }}),

    findings as (
        select campaign_id, count(*) as findings
        from {{ ref("fct_campaign_findings") }}
        group by campaign_id
    )

select
    designs.campaign_id,
    designs.name_ja,
    designs.name_en,
    designs.component,
    designs.starts_on,
    designs.ends_on,
    designs.segment_id,
    coalesce(segments.name_ja, designs.segment_id) as segment_name_ja,
    coalesce(segments.name_en, designs.segment_id) as segment_name_en,
    designs.contact_channel,
    designs.content_path as contents,
    designs.budget_jpy,
    designs.cost_jpy,
    designs.planned_reach,
    designs.people_in_audience,
    designs.people_consented,
    designs.people_reachable,
    cast(coalesce(findings.findings, 0) as bigint) as findings
from designs
left join segments on designs.segment_id = segments.segment_id
left join findings on designs.campaign_id = findings.campaign_id
