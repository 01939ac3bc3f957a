{#
  Sessions with their person. Rewritten are those that have new lines, with what followed them, and all of a visitor
  who is held to be another than before.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="touched",
        unique_key="visitor_id",
        meta={"clock": "started_at", "from_first": true},
    )
}}

with

    channels as (select * from {{ ref("int_channels_matched") }}),
    bindings as (select * from {{ ref("int_visitor_bindings") }}),

    {% if is_incremental() %}
        sessions_touched as (
            select *
            from {{ ref("int_session_entries") }}
            where built_by = '{{ invocation_id }}'
            union all
            select *
            from {{ ref("int_session_entries") }}
            where
                built_by <> '{{ invocation_id }}'
                -- Where another visitor has the same number, its sessions are
                -- written again, as they were.
                and visitor_number in (
                    select {{ number_of_text("visitor_id") }}
                    from bindings
                    where built_by = '{{ invocation_id }}'
                )
        ),
    {% else %} sessions_touched as (select * from {{ ref("int_session_entries") }}),
    {% endif %}

    machines as (
        select distinct visitor_id, machine_rule_id
        from bindings
        where machine_rule_id is not null
    ),

    sessions_judged as (
        select
            sessions_touched.*,
            coalesce(
                sessions_touched.machine_rule_id, machines.machine_rule_id
            ) as any_machine_rule_id,
            coalesce(
                sessions_touched.utm_term,
                sessions_touched.referrer_term,
                sessions_touched.site_search_term
            ) as search_term
        from sessions_touched
        left join machines on sessions_touched.visitor_id = machines.visitor_id
    ),

    sessions_of_people as (
        select
            sessions_judged.session_id,
            sessions_judged.visitor_id,
            sessions_judged.visitor_number,
            bindings.person_id,
            sessions_judged.started_at,
            sessions_judged.session_part,
            sessions_judged.ended_at,
            sessions_judged.page_views,
            sessions_judged.entry_path,
            sessions_judged.exit_path,
            channels.channel,
            sessions_judged.campaign_id,
            sessions_judged.referrer_host,
            sessions_judged.search_term,
            case
                when sessions_judged.utm_term is not null
                then 'campaign'
                when sessions_judged.referrer_term is not null
                then 'referrer'
                when sessions_judged.site_search_term is not null
                then 'site_search'
            end as term_source,
            sessions_judged.device_class,
            sessions_judged.any_machine_rule_id is not null as is_machine,
            sessions_judged.any_machine_rule_id as machine_rule_id
        from sessions_judged
        left join
            channels
            on coalesce(
                lower(sessions_judged.utm_medium),
                case when sessions_judged.mail_token is not null then 'email' end,
                ''
            )
            = channels.medium
            and coalesce(lower(sessions_judged.utm_source), '') = channels.source
            and coalesce(lower(sessions_judged.campaign_id), '') = channels.campaign
            and coalesce(lower(sessions_judged.referrer_host), '')
            = channels.referrer_host
        left join
            bindings
            on sessions_judged.visitor_id = bindings.visitor_id
            and sessions_judged.started_at >= bindings.span_from
            and sessions_judged.started_at < bindings.span_to
    )

select *
from sessions_of_people
