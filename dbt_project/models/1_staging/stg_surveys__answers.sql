with

    answers as (select * from {{ source("raw_surveys", "answers") }}),

    known as (
        select *
        from answers
        where occurrence = 1 and {{ known_by_then("answered_at") }}
    ),

    ranked as (
        select
            *,
            row_number() over (
                partition by coalesce(answer_id, row_key) order by row_key
            ) as rank_of_repeat
        from known
    ),

    -- The answers that one person gave on one day are one response, known by the least
    -- of its keys. An address stands on some of a sheet's rows only, so a name with
    -- phone or company comes before it.
    answers_once as (
        select
            row_key,
            min(row_key) over (
                partition by
                    survey_id,
                    {{ local_date("answered_at") }},
                    coalesce(
                        'lead ' || lead_id,
                        'visitor ' || visitor_id,
                        'mail ' || mail_token,
                        'phone ' || phone || ' ' || person_name,
                        'card ' || company_key || ' ' || person_name,
                        'address ' || email,
                        person_name,
                        phone
                    )
            ) as response_id,
            answer_id,
            survey_id,
            survey_name,
            question_id,
            question,
            answer,
            score,
            answered_at,
            time_precision,
            email,
            person_name,
            person_name_raw,
            company_name,
            company_key,
            department,
            position,
            phone,
            lead_id,
            visitor_id,
            mail_token,
            campaign_id,
            product_id
        from ranked
        where rank_of_repeat = 1
    )

select *
from answers_once
