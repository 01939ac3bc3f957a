{# SY03: which cookie the real-time layer of the site greets with what; it decides nothing, it shows it at the right moment. #}
with

    due as (select * from {{ ref("int_popups_due") }}),

    popup_rules as (select * from {{ ref("popup_rules") }}),

    visitor_spans as (select * from {{ ref("visitor_spans") }}),

    decisions as (
        select * from {{ ref("fct_scenario_decisions") }} where channel = 'email'
    ),

    checks as (select * from {{ ref("int_contact_checks") }} where purpose = 'popup'),

    spans_ranked as (
        select
            visitor_id,
            person_id,
            row_number() over (
                partition by visitor_id
                order by span_from desc, turn_number desc, person_id nulls last
            ) as newest_first
        from visitor_spans
    ),

    -- whose browser it is now; a browser that changed hands is greeted as its last
    -- owner's
    visitors as (select visitor_id, person_id from spans_ranked where newest_first = 1),

    popups_ranked as (
        select
            due.visitor_id,
            visitors.person_id,
            popup_rules.popup_id,
            coalesce(popup_rules.content, decisions.content) as content,
            popup_rules.why,
            row_number() over (
                partition by due.visitor_id
                order by popup_rules.priority, popup_rules.popup_id
            ) as best_first
        from due
        inner join popup_rules on due.popup_id = popup_rules.popup_id
        left join visitors on due.visitor_id = visitors.visitor_id
        left join decisions on visitors.person_id = decisions.person_id
        where
            -- who sent no cookie cannot be met again
            due.visitor_id not like 'day-%'
            and popup_rules.is_for_anonymous = (visitors.person_id is null)
            and coalesce(popup_rules.content, decisions.content) is not null
    ),

    audience as (
        select
            popups_ranked.visitor_id as sync_key,
            popups_ranked.person_id,
            popups_ranked.visitor_id,
            popups_ranked.popup_id,
            popups_ranked.content,
            popups_ranked.why,
            -- an unknown visitor is nobody whose wishes are known
            coalesce(checks.consent_status, 'unknown') as consent_status,
            coalesce(checks.is_suppressed, false) as is_suppressed,
            checks.suppression_reason,
            coalesce(checks.checks_passed, '') as checks_passed
        from popups_ranked
        left join checks on popups_ranked.person_id = checks.person_id
        where popups_ranked.best_first = 1
    )

select *
from audience
