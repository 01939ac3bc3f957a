{# CH06: from mail to microsite to form, by campaign and landing page; the landing page (all) is the whole campaign. #}
with

    sends as (select * from {{ ref("fct_sends") }} where channel = 'email'),

    paths as (select * from {{ ref("fct_mail_paths") }}),

    campaigns as (select * from {{ ref("fct_roi") }}),

    sent as (
        select
            campaign_id,
            count(*) filter (where person_id is not null) as mails,
            count(*) filter (where person_id is not null and is_clicked) as clicked
        from sends
        where campaign_id is not null
        group by campaign_id
    ),

    pages as (
        select '(all)' as landing_path, session_id
        from paths
        union all
        select coalesce(landing_path, '(unknown)'), session_id
        from paths
    ),

    visited as (
        select
            paths.campaign_id,
            pages.landing_path,
            count(*) as visited,
            count(*) filter (where paths.has_read_on) as read_on,
            count(*) filter (where paths.has_passed_in_visit) as passed_in_visit,
            count(*) filter (where paths.has_passed_in_30d) as passed_in_30d,
            count(*) filter (where paths.has_opportunity_in_90d) as opportunities_90d
        from paths
        inner join pages on paths.session_id = pages.session_id
        group by paths.campaign_id, pages.landing_path
    ),

    told as (
        select
            coalesce(sent.campaign_id, visited.campaign_id) as campaign_id,
            coalesce(visited.landing_path, '(all)') as landing_path,
            case
                when coalesce(visited.landing_path, '(all)') = '(all)' then sent.mails
            end as mails,
            case
                when coalesce(visited.landing_path, '(all)') = '(all)' then sent.clicked
            end as clicked,
            coalesce(visited.visited, 0) as visited,
            coalesce(visited.read_on, 0) as read_on,
            coalesce(visited.passed_in_visit, 0) as passed_in_visit,
            coalesce(visited.passed_in_30d, 0) as passed_in_30d,
            coalesce(visited.opportunities_90d, 0) as opportunities_90d
        from sent
        left join visited on sent.campaign_id = visited.campaign_id
    )

select
    {{ surrogate_key(["told.campaign_id", "told.landing_path"]) }} as mail_path_id,
    told.campaign_id,
    coalesce(campaigns.campaign_name, told.campaign_id) as campaign_name,
    told.landing_path,
    cast(told.mails as bigint) as mails,
    cast(told.clicked as bigint) as clicked,
    cast(told.visited as bigint) as visited,
    cast(told.read_on as bigint) as read_on,
    cast(told.passed_in_visit as bigint) as passed_in_visit,
    cast(told.passed_in_30d as bigint) as passed_in_30d,
    cast(told.opportunities_90d as bigint) as opportunities_90d
from told
left join campaigns on told.campaign_id = campaigns.campaign_id
