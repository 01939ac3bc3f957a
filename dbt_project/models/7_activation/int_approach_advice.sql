{# For each routed lead the bottleneck, what to do and what not to do, by approach_rules.csv: one bottleneck, two things to do,
   three not to do, the most pressing first. #}
with

    signals as (select * from {{ ref("int_approach_signals") }}),
    rules as (select * from {{ ref("approach_rules") }}),

    rules_fitting as (
        select
            signals.person_id,
            rules.part,
            rules.rule_id,
            rules.text_ja,
            row_number() over (
                partition by signals.person_id, rules.part
                order by rules.priority, rules.rule_id
            ) as place
        from signals
        inner join
            rules
            on signals.signal = rules.signal
            and signals.signal_value = rules.signal_value
    )

select person_id, part, rule_id, text_ja, cast(place as integer) as place
from rules_fitting
where
    (part = 'bottleneck' and place <= 1)
    or (part = 'do' and place <= 2)
    or (part = 'dont' and place <= 3)
