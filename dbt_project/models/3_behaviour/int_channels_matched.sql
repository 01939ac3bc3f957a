with

    sessions as (select * from {{ ref("int_session_entries") }}),
    channels as (select * from {{ ref("channels") }}),
    own_hosts as (select * from {{ ref("own_sites") }} where kind = 'host'),

    -- A mail parameter says mail even when the campaign parameters were cut off.
    origins as (
        select distinct
            coalesce(
                lower(utm_medium), case when mail_token is not null then 'email' end, ''
            ) as medium,
            coalesce(lower(utm_source), '') as source,
            coalesce(lower(referrer_host), '') as referrer_host
        from sessions
    ),

    -- Coming from our own pages after a long silence is no source.
    origins_outside as (
        select
            origins.medium,
            origins.source,
            origins.referrer_host,
            case
                when
                    exists (
                        select 1
                        from own_hosts
                        where origins.referrer_host like own_hosts.pattern
                    )
                then ''
                else origins.referrer_host
            end as outside_host
        from origins
    ),

    matches_ranked as (
        select
            origins_outside.medium,
            origins_outside.source,
            origins_outside.referrer_host,
            channels.channel,
            row_number() over (
                partition by
                    origins_outside.medium,
                    origins_outside.source,
                    origins_outside.referrer_host
                order by channels.priority
            ) as match_rank
        from origins_outside
        inner join
            channels
            on (
                channels.medium_pattern is not null
                and origins_outside.medium || origins_outside.source <> ''
                and origins_outside.medium like channels.medium_pattern
                and origins_outside.source like channels.source_pattern
            )
            or (
                channels.medium_pattern is null
                and channels.referrer_pattern is not null
                and origins_outside.outside_host <> ''
                and origins_outside.outside_host like channels.referrer_pattern
            )
            or (channels.medium_pattern is null and channels.referrer_pattern is null)
    )

select medium, source, referrer_host, channel
from matches_ranked
where match_rank = 1
