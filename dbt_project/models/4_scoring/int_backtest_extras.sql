{# Further scores that are held against what came after them, on each cut from what was known by then: the nurture
   degree of the topic in which a person had come furthest and the shares it is made of, what sales people judged,
   and the change of pace. #}
{%- set shares = ["breadth", "depth", "recency", "knowledge"] -%}
with

    history as (select * from {{ ref("fct_score_history") }}),
    cuts as (
        select distinct scored_on from {{ ref("int_score_days") }} where day_use = 'cut'
    ),
    deeds as (select * from {{ ref("int_topic_deeds") }}),
    given as (select * from {{ ref("int_points_by_day") }}),
    rules_of_judgement as (
        select *
        from {{ ref("int_rules_in_use") }}
        where substr(touch_type, 1, 14) = 'rep_assessment'
    ),
    changes as (select * from {{ ref("int_timing_changes") }}),

    people_on_cuts as (
        select history.person_id, history.scored_on
        from history
        inner join cuts on history.scored_on = cuts.scored_on
    ),

    degrees as ({{ nurture_degrees("deeds", "cuts") }}),

    degrees_of_people as (
        select
            person_id,
            scored_on,
            max(nurture_degree) as nurture_degree
            {%- for share in shares %}, max({{ share }}) as {{ share }} {%- endfor %}
        from degrees
        group by person_id, scored_on
    ),

    judgements as ({{ points_added_up("given", "rules_of_judgement", "cuts") }}),

    judgements_of_people as (
        select person_id, scored_on, sum(points) as judgement
        from judgements
        group by person_id, scored_on
    ),

    scores as (
        {% for score_kind in ["nurture_degree"] + shares %}
            select
                people_on_cuts.person_id,
                people_on_cuts.scored_on,
                '{{ "" if score_kind == "nurture_degree" else "nurture_" }}{{ score_kind }}'
                as score_kind,
                cast(coalesce(degrees_of_people.{{ score_kind }}, 0) as double) as score
            from people_on_cuts
            left join
                degrees_of_people
                on people_on_cuts.person_id = degrees_of_people.person_id
                and people_on_cuts.scored_on = degrees_of_people.scored_on
            union all
        {% endfor %}
        select
            people_on_cuts.person_id,
            people_on_cuts.scored_on,
            'timing_signal',
            cast(coalesce(changes.change_z, 0) as double)
        from people_on_cuts
        left join
            changes
            on people_on_cuts.person_id = changes.person_id
            and people_on_cuts.scored_on = changes.scored_on
        union all
        -- Only of whom somebody had judged.
        select
            people_on_cuts.person_id,
            people_on_cuts.scored_on,
            'rep_assessment',
            cast(judgements_of_people.judgement as double)
        from people_on_cuts
        inner join
            judgements_of_people
            on people_on_cuts.person_id = judgements_of_people.person_id
            and people_on_cuts.scored_on = judgements_of_people.scored_on
    )

select *
from scores
