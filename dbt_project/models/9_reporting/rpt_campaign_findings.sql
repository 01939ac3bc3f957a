{# LM04: what is wrong with the designed campaigns, in words. #}
with

    findings as (select * from {{ ref("fct_campaign_findings") }}),

    kinds as (select * from {{ ref("campaign_finding_kinds") }}),

    findings_written as (
        select
            *,
            coalesce(
                {{ number_written("cast(amount as bigint)") }}, '-'
            ) as amount_written
        from findings
    )

select
    findings.finding_id,
    findings.campaign_id,
    findings.finding_kind,
    cast(kinds.place as bigint) as place,
    {%- for language in ["ja", "en"] %}
        replace(
            replace(
                kinds.text_{{ language }}, '{{ "{amount}" }}', findings.amount_written
            ),
            '{{ "{about}" }}',
            coalesce(findings.about, '-')
        ) as text_{{ language }},
    {%- endfor %}
    cast(findings.amount as double) as amount
from findings_written as findings
inner join kinds on findings.finding_kind = kinds.finding_kind
