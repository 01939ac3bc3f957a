{# What was sent, how it was received, and how mature that makes the programme (CH01 to CH09, SG10, K16). #}
{%- set measures = {
    "sends": "1",
    "sends_delivered": "case when is_bounced then 0 else 1 end",
    "sends_bounced": "case when is_bounced then 1 else 0 end",
    "sends_opened": "case when is_opened then 1 else 0 end",
    "sends_clicked": "case when is_clicked then 1 else 0 end",
    "sends_unwanted": "case when is_unwanted then 1 else 0 end",
} %}
{%- set indicators = [
    "identical_sends",
    "people_90d",
    "person_channels",
    "people_two_channels",
] %}
with

    sends as (select * from {{ ref("fct_sends") }}),

    months as (select * from {{ ref("fct_program_months") }}),

    pressure as (select * from {{ ref("fct_contact_pressure") }}),

    followed as (select * from {{ ref("fct_nurture_degree") }}),

    summed as (
        select
            sends.sent_month as period,
            kinds.segment_kind,
            case
                kinds.segment_kind
                when 'channel'
                then sends.channel
                when 'campaign'
                then coalesce(sends.campaign_id, '(none)')
                else 'all'
            end as segment_id,
            {%- for measure, expression in measures.items() %}
                sum({{ expression }}) as {{ measure }}
                {%- if not loop.last %}, {% endif %}
            {%- endfor %}
        from sends
        cross join
            (
                select 'all' as segment_kind
                union all
                select 'channel' as segment_kind
                union all
                select 'campaign' as segment_kind
            ) as kinds
        where sends.person_id is not null
        group by all
    )

{%- for measure in measures %}
    select
        '{{ measure }}' as measure,
        period,
        segment_kind,
        segment_id,
        {{ measure }} as amount
    from summed
    union all
{%- endfor %}
{%- for indicator in indicators %}
    select '{{ indicator }}', month, 'all', 'all', {{ indicator }}
    from months
    union all
{%- endfor %}
select 'people_sent_to', month, 'all', 'all', people
from months
union all
select 'months_sending', month, 'all', 'all', 1
from months
union all
select
    'months_data_driven',
    month,
    'all',
    'all',
    case when depends_on_data then 1 else 0 end
from months
union all
select 'programme_stage', month, 'all', 'all', stage
from months
union all
select
    'people_under_pressure',
    month,
    'sends_from',
    cast(sends_from as {{ dbt.type_string() }}),
    people
from pressure
union all
select 'people_under_pressure', month, 'all', 'all', sum(people)
from pressure
group by month
union all
select
    'people_left',
    month,
    'sends_from',
    cast(sends_from as {{ dbt.type_string() }}),
    people_left
from pressure
union all
select 'people_left', month, 'all', 'all', sum(people_left)
from pressure
group by month
union all
select
    'nurture_degrees',
    {{ as_of_date() }},
    'topic',
    topic_kind || ':' || topic_id,
    sum(nurture_degree)
from followed
group by topic_kind, topic_id
union all
select
    'people_nurtured',
    {{ as_of_date() }},
    'topic',
    topic_kind || ':' || topic_id,
    count(*)
from followed
group by topic_kind, topic_id
union all
select 'nurture_degrees', {{ as_of_date() }}, 'all', 'all', sum(nurture_degree)
from followed
where topic_kind = 'product'
union all
select 'people_nurtured', {{ as_of_date() }}, 'all', 'all', count(*)
from followed
where topic_kind = 'product'
