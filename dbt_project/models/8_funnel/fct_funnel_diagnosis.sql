{#
  K27: generation problem or nurture problem? Each rule of diagnosis_rules.csv with its text filled with today's numbers,
  and whether it holds: all of its conditions do; one whose fact is not known does not. The first rule that holds is the
  verdict.
#}
{%- set facts = [
    "visitors",
    "visitors_change",
    "leads",
    "action_rate",
    "action_rate_change",
    "opportunities",
    "opportunity_rate",
    "opportunity_rate_change",
    "lag_months",
    "late_share",
    "off_target_share",
    "unfollowed_share",
] %}
with

    facts as (select * from {{ ref("fct_funnel_facts") }}),

    names as (select * from {{ ref("funnel_facts") }}),

    rules as (select * from {{ ref("diagnosis_rules") }}),

    conditions as (select * from {{ ref("diagnosis_conditions") }}),

    facts_written as (
        select
            facts.fact_id,
            case
                when facts.value is null
                then '-'
                when names.unit = 'fraction'
                then
                    cast(
                        cast(
                            facts.value * 100 as decimal(18, 2)
                        ) as {{ dbt.type_string() }}
                    )
                    || '%'
                when names.unit = 'change'
                then
                    case when facts.value >= 1 then '+' else '' end || cast(
                        cast(
                            (facts.value - 1) * 100 as decimal(18, 1)
                        ) as {{ dbt.type_string() }}
                    )
                    || '%'
                when names.unit = 'months'
                then
                    cast(cast(facts.value as decimal(18, 1)) as {{ dbt.type_string() }})
                else {{ number_written("cast(facts.value as bigint)") }}
            end as written
        from facts
        inner join names on facts.fact_id = names.fact_id
    ),

    numbers as (
        select
            {%- for fact in facts %}
                max(case when fact_id = '{{ fact }}' then written end) as {{ fact }}
                {%- if not loop.last %}, {% endif %}
            {%- endfor %}
        from facts_written
    ),

    judged as (
        select
            rules.rule_id,
            min(
                case
                    when conditions.rule_id is null
                    then 1
                    when
                        conditions.comparison = 'below'
                        and facts.value < conditions.threshold
                    then 1
                    when
                        conditions.comparison = 'at_least'
                        and facts.value >= conditions.threshold
                    then 1
                    else 0
                end
            )
            = 1 as is_fired
        from rules
        left join conditions on rules.rule_id = conditions.rule_id
        left join facts on conditions.fact_id = facts.fact_id
        group by rules.rule_id
    ),

    first_fired as (
        select min(rules.priority) as priority
        from rules
        inner join judged on rules.rule_id = judged.rule_id
        where judged.is_fired
    )

select
    rules.rule_id,
    cast(rules.priority as bigint) as priority,
    rules.problem,
    judged.is_fired,
    judged.is_fired and rules.priority = first_fired.priority as is_verdict,
    rules.title_ja,
    rules.title_en,
    {%- for language in ["ja", "en"] %}
        {% for fact in facts %} replace({% endfor %}rules.text_{{ language }}
        {%- for fact in facts %}
                , '{{ "{" ~ fact ~ "}" }}', coalesce(numbers.{{ fact }}, '-'))
        {%- endfor %} as text_{{ language }},
    {%- endfor %}
    rules.why
from rules
inner join judged on rules.rule_id = judged.rule_id
cross join numbers
cross join first_fired
