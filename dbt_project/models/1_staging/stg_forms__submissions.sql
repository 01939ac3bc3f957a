with

    submissions as (select * from {{ source("raw_forms", "submissions") }}),

    known as (
        select *
        from submissions
        where occurrence = 1 and {{ known_by_then("occurred_at") }}
    ),

    -- A submission sent twice with a difference stays one: the smaller key wins, in
    -- whatever order they came.
    ranked as (
        select
            *,
            row_number() over (
                partition by coalesce(submission_id, row_key) order by row_key
            ) as rank_of_repeat
        from known
    ),

    submissions_once as (
        select
            row_key,
            stream,
            submission_id,
            form_id,
            form_kind,
            occurred_at,
            visitor_id,
            client_address,
            email,
            email_domain,
            email_domain_kind,
            person_name,
            person_name_raw,
            person_kana,
            company_name,
            company_key,
            department,
            position,
            phone,
            prefecture,
            industry,
            product_id,
            message,
            has_consent,
            consent_wording,
            mail_token,
            page_path,
            campaign_id,
            payload
        from ranked
        where rank_of_repeat = 1
    )

select *
from submissions_once
