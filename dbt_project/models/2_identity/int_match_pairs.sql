with

    outcomes as (select * from {{ ref("int_match_outcomes") }}),
    scores as (select * from {{ ref("int_match_scores") }}),
    people as (select * from {{ ref("int_exact_people") }}),
    identifiers as (select * from {{ ref("int_identifiers_first_seen") }}),
    rules as (
        select * from {{ ref("identity_rules") }} where rule_id = 'matched_people'
    ),

    -- Each side speaks through its earliest identifier that may join.
    names_ranked as (
        select
            people.component as exact_person,
            identifiers.identifier,
            identifiers.first_seen_at,
            row_number() over (
                partition by people.component
                order by
                    case when identifiers.excluded_because is null then 0 else 1 end,
                    identifiers.first_seen_at,
                    identifiers.identifier
            ) as place
        from people
        inner join identifiers on people.node = identifiers.identifier
    ),

    names as (select * from names_ranked where place = 1),

    pairs as (
        select
            rules.rule_id,
            lefts.identifier as left_identifier,
            rights.identifier as right_identifier,
            outcomes.left_person,
            outcomes.right_person,
            greatest(lefts.first_seen_at, rights.first_seen_at) as first_claimed_at,
            outcomes.outcome,
            outcomes.because,
            scores.probability,
            scores.name_level,
            scores.name_weight,
            scores.workplace_level,
            scores.workplace_weight,
            scores.mobile_level,
            scores.mobile_weight,
            scores.department_level,
            scores.department_weight,
            scores.place_level,
            scores.place_weight
        from outcomes
        inner join scores on outcomes.pair_key = scores.pair_key
        inner join names as lefts on outcomes.left_person = lefts.exact_person
        inner join names as rights on outcomes.right_person = rights.exact_person
        cross join rules
    )

select
    {{ surrogate_key(["left_identifier", "right_identifier", "rule_id"]) }} as link_id,
    *
from pairs
