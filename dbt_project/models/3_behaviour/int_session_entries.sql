with

    page_views as (select * from {{ ref("int_page_views") }}),

    scanners as (select * from {{ ref("int_mail_scanners") }}),

    pages_ranked as (
        select
            *,
            row_number() over (
                partition by session_id order by occurred_at, row_key
            ) as page_number,
            row_number() over (
                partition by session_id order by occurred_at desc, row_key desc
            ) as page_number_from_end
        from page_views
    ),

    sessions as (
        select
            pages_ranked.session_id,
            pages_ranked.visitor_id,
            min(occurred_at) as started_at,
            max(occurred_at) as ended_at,
            cast(count(*) as bigint) as page_views,
            max(case when page_number = 1 then path end) as entry_path,
            max(case when page_number_from_end = 1 then path end) as exit_path,
            max(case when page_number = 1 then referrer_host end) as referrer_host,
            max(case when page_number = 1 then utm_source end) as utm_source,
            max(case when page_number = 1 then utm_medium end) as utm_medium,
            max(case when page_number = 1 then utm_campaign end) as campaign_id,
            max(case when page_number = 1 then utm_term end) as search_term,
            max(case when page_number = 1 then mail_token end) as mail_token,
            coalesce(
                min(pages_ranked.machine_rule_id), min(scanners.machine_rule_id)
            ) as machine_rule_id
        from pages_ranked
        left join scanners on pages_ranked.visitor_id = scanners.visitor_id
        group by pages_ranked.session_id, pages_ranked.visitor_id
    )

select *
from sessions
