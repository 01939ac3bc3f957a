{# LM04: what is wrong with the designed campaigns, in words. #}
with

    findings as (select * from {{ ref("fct_campaign_findings") }}),

    kinds as (select * from {{ ref("campaign_finding_kinds") }}),

    -- What a finding is about has a name where it is a channel or another campaign.
    channels as (select * from {{ ref("channel_kinds") }}),

    designs as (select * from {{ ref("fct_campaign_designs") }}),

    findings_written as (
        select
            findings.*,
            coalesce(
                {{ number_written("cast(findings.amount as bigint)") }}, '-'
            ) as amount_written,
            {%- for language in ["ja", "en"] %}
                coalesce(
                    channels.name_{{ language }},
                    designs.name_{{ language }},
                    findings.about,
                    '-'
                ) as about_{{ language }}{{ "," if not loop.last }}
            {%- endfor %}
        from findings
        left join
            channels
            on findings.finding_kind = 'no_consent'
            and findings.about = channels.channel
        left join
            designs
            on findings.finding_kind = 'overlap'
            and findings.about = designs.campaign_id
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
            findings.about_{{ language }}
        ) as text_{{ language }},
    {%- endfor %}
    cast(findings.amount as double) as amount
from findings_written as findings
inner join kinds on findings.finding_kind = kinds.finding_kind
