{#
  How far a person has been nurtured in a topic on each of the days, from what was known by then: four shares between 0
  and 1, weighted by nurture_components.csv.

  Deeds that lie between two of the days are counted together first, so that many days cost little more than one.
  Arguments: `deeds` has the columns of int_topic_deeds, `days` has scored_on.
#}
{% macro nurture_degrees(deeds, days) -%}
    with

        spans_between_days as (
            select
                scored_on, lag(scored_on) over (order by scored_on) as former_scored_on
            from (select distinct scored_on from {{ days }}) as days_once
        ),

        deeds_counted as (
            select
                deeds.person_id,
                deeds.topic_kind,
                deeds.topic_id,
                deeds.content_category,
                spans_between_days.scored_on as counts_from,
                count(*) as deeds,
                max(deeds.knowledge_level) as knowledge_level,
                max(deeds.occurred_on) as last_on
            from {{ deeds }} as deeds
            inner join
                spans_between_days
                on deeds.known_on <= spans_between_days.scored_on
                and (
                    spans_between_days.former_scored_on is null
                    or deeds.known_on > spans_between_days.former_scored_on
                )
            group by
                deeds.person_id,
                deeds.topic_kind,
                deeds.topic_id,
                deeds.content_category,
                spans_between_days.scored_on
        ),

        topics_on_days as (
            select
                deeds_counted.person_id,
                spans_between_days.scored_on,
                deeds_counted.topic_kind,
                deeds_counted.topic_id,
                cast(
                    count(distinct deeds_counted.content_category) as double
                ) as breadth,
                cast(sum(deeds_counted.deeds) as double) as depth,
                cast(
                    min(
                        {{
                            dbt.datediff(
                                "deeds_counted.last_on",
                                "spans_between_days.scored_on",
                                "day",
                            )
                        }}
                    ) as double
                ) as days_since,
                cast(
                    coalesce(max(deeds_counted.knowledge_level), 0) as double
                ) as knowledge
            from deeds_counted
            inner join
                spans_between_days
                on deeds_counted.counts_from <= spans_between_days.scored_on
            group by
                deeds_counted.person_id,
                spans_between_days.scored_on,
                deeds_counted.topic_kind,
                deeds_counted.topic_id
        ),

        shares as (
            select
                topics_on_days.person_id,
                topics_on_days.scored_on,
                topics_on_days.topic_kind,
                topics_on_days.topic_id,
                topics_on_days.depth,
                components.component,
                components.weight,
                least(
                    1.0,
                    case
                        components.component
                        when 'breadth'
                        then topics_on_days.breadth
                        when 'depth'
                        then topics_on_days.depth
                        when 'knowledge'
                        then topics_on_days.knowledge
                        when 'recency'
                        then
                            power(
                                0.5,
                                topics_on_days.days_since / components.half_life_days
                            )
                    end
                    / components.full_at
                ) as share
            from topics_on_days
            cross join {{ ref("nurture_components") }} as components
        )

    select
        person_id,
        scored_on,
        topic_kind,
        topic_id,
        cast(max(depth) as bigint) as deeds,
        cast(
            max(case when component = 'breadth' then share end) as decimal(9, 6)
        ) as breadth,
        cast(
            max(case when component = 'depth' then share end) as decimal(9, 6)
        ) as depth,
        cast(
            max(case when component = 'recency' then share end) as decimal(9, 6)
        ) as recency,
        cast(
            max(case when component = 'knowledge' then share end) as decimal(9, 6)
        ) as knowledge,
        cast(
            round(
                sum(cast(weight * share as decimal(18, 9)))
                * 100
                / sum(cast(weight as decimal(18, 9))),
                6
            ) as decimal(9, 6)
        ) as nurture_degree
    from shares
    group by person_id, scored_on, topic_kind, topic_id
{%- endmacro %}
