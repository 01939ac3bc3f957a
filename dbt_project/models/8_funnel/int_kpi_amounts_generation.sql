{#
  Process 1 of 4: visitors and forms of a month, whole and by form kind, channel, campaign, landing page, and new or known
  faces. A visitor stands where the first visit of the month does and a person where the first form pass does, so the
  members of a cut add up to the whole.
#}
{%- set measures = [
    "visitors",
    "visitors_direct",
    "form_passes",
    "inquiries",
    "leads_person",
    "leads_new",
] %}
{%- set kinds = ["all", "form_kind", "channel", "campaign", "landing_page", "known"] %}
with

    visits as (select * from {{ ref("fct_visits") }}),

    form_passes as (select * from {{ ref("fct_form_passes") }}),

    identifications as (select * from {{ ref("fct_identifications") }}),

    counted as (
        select
            visited_month as period,
            'none' as form_kind,
            coalesce(channel, 'unknown') as channel,
            coalesce(campaign_id, '(none)') as campaign,
            coalesce(landing_path, '(unknown)') as landing_page,
            case when is_known then 'known' else 'new' end as known,
            count(*) as visitors,
            count(*) filter (where channel = 'direct') as visitors_direct,
            0 as form_passes,
            0 as inquiries,
            0 as leads_person,
            0 as leads_new
        from visits
        where is_counted and is_first_of_month
        group by all
        union all
        select
            passed_month,
            form_kind,
            channel,
            coalesce(campaign_id, '(none)'),
            coalesce(landing_path, '(unknown)'),
            case when is_of_lead and not is_new_lead then 'known' else 'new' end,
            0,
            0,
            count(*),
            count(*) filter (where form_kind in ('inquiry', 'quote', 'unknown')),
            count(*) filter (where is_first_of_month),
            count(*) filter (where is_new_lead)
        from form_passes
        where is_counted
        group by all
    ),

    kinds as (
        {%- for kind in kinds %}
            select '{{ kind }}' as segment_kind
            {% if not loop.last %}
                union all
            {% endif %}
        {%- endfor %}
    ),

    summed as (
        select
            counted.period,
            kinds.segment_kind,
            case
                kinds.segment_kind
                {%- for kind in kinds[1:] %}
                    when '{{ kind }}' then counted.{{ kind }}
                {%- endfor %}
                else 'all'
            end as segment_id,
            {%- for measure in measures %}
                sum(counted.{{ measure }}) as {{ measure }}
                {%- if not loop.last %}, {% endif %}
            {%- endfor %}
        from counted
        cross join kinds
        group by all
    ),

    exclusions as (
        select
            passed_month as period,
            'form_passes_excluded' as measure,
            case
                when exclusion is not null
                then exclusion
                when not is_of_lead_kind
                then 'no_lead'
                when person_id is null
                then 'no_person'
                else 'repeated'
            end as segment_id,
            count(*) as amount
        from form_passes
        where not is_first_of_month
        group by all
        union all
        select visited_month, 'visitors_excluded', exclusion, count(*)
        from visits
        where not is_counted and is_first_of_month
        group by all
    ),

    named as (
        select
            {{ local_month("identified_at") }} as period,
            identified_by
            || ':'
            || coalesce(form_kind, content_category, '(unknown)') as segment_id,
            count(distinct visitor_id) as amount
        from identifications
        group by all
    ),

    named_at_all as (
        select
            {{ local_month("identified_at") }} as period,
            count(distinct visitor_id) as amount
        from identifications
        group by 1
    )

{%- for measure in measures %}
    select
        '{{ measure }}' as measure,
        period,
        segment_kind,
        segment_id,
        cast({{ measure }} as decimal(28, 9)) as amount
    from summed
    -- a cut by form kind has no visitors of its own
    where {{ measure }} > 0 and not (segment_kind = 'form_kind' and segment_id = 'none')
    union all
{%- endfor %}
select measure, period, 'exclusion', segment_id, cast(amount as decimal(28, 9))
from exclusions
union all
select measure, period, 'all', 'all', cast(sum(amount) as decimal(28, 9))
from exclusions
group by measure, period
union all
select 'cookies_identified', period, 'by_what', segment_id, amount
from named
union all
select 'cookies_identified', period, 'all', 'all', amount
from named_at_all
