{# Each combination of campaign parameters and referring host that a session ever began with, and its channel. #}
{{ config(materialized="incremental", incremental_strategy="append") }}

with

    sessions as (
        select *
        from {{ ref("int_session_entries") }}
        {% if is_incremental() %} where built_by = '{{ invocation_id }}' {% endif %}
    ),
    channels as (select * from {{ ref("channels") }}),
    categories as (select * from {{ ref("origin_categories") }}),
    own_hosts as (select * from {{ ref("own_sites") }} where kind = 'host'),

    -- A mail parameter says mail even when the campaign parameters were cut off.
    origins as (
        select distinct
            coalesce(
                lower(utm_medium), case when mail_token is not null then 'email' end, ''
            ) as medium,
            coalesce(lower(utm_source), '') as source,
            coalesce(lower(campaign_id), '') as campaign,
            coalesce(lower(referrer_host), '') as referrer_host
        from sessions
    ),

    origins_new as (
        select origins.*
        from origins
        {% if is_incremental() %}
            where
                not exists (
                    select 1
                    from {{ this }} as known
                    where
                        known.medium = origins.medium
                        and known.source = origins.source
                        and known.campaign = origins.campaign
                        and known.referrer_host = origins.referrer_host
                )
        {% endif %}
    ),

    -- Campaign parameters say where a visit came from; without them the referring host
    -- does. Coming from our own pages after a long silence is no source.
    origins_named as (
        select
            origins_new.medium,
            origins_new.source,
            origins_new.campaign,
            origins_new.referrer_host,
            case
                when
                    origins_new.medium || origins_new.source || origins_new.campaign
                    <> ''
                then origins_new.source
                when
                    exists (
                        select 1
                        from own_hosts
                        where origins_new.referrer_host like own_hosts.pattern
                    )
                then ''
                else origins_new.referrer_host
            end as came_from,
            origins_new.medium || origins_new.source || origins_new.campaign
            <> '' as has_parameters
        from origins_new
    ),

    origins_categorised as (
        select
            origins_named.medium,
            origins_named.source,
            origins_named.campaign,
            origins_named.referrer_host,
            coalesce(
                min_by(
                    case
                        when categories.origin_part = 'medium' then categories.category
                    end,
                    case
                        when categories.origin_part = 'medium' then categories.priority
                    end
                ),
                case when origins_named.medium = '' then 'absent' else 'other' end
            ) as medium_category,
            coalesce(
                min_by(
                    case
                        when categories.origin_part = 'source' then categories.category
                    end,
                    case
                        when categories.origin_part = 'source' then categories.priority
                    end
                ),
                case
                    when origins_named.came_from = ''
                    then 'absent'
                    when origins_named.has_parameters
                    then 'other'
                    else 'site'
                end
            ) as source_category,
            coalesce(
                min_by(
                    case
                        when categories.origin_part = 'campaign'
                        then categories.category
                    end,
                    case
                        when categories.origin_part = 'campaign'
                        then categories.priority
                    end
                ),
                case when origins_named.campaign = '' then 'absent' else 'other' end
            ) as campaign_category
        from origins_named
        left join
            categories
            on case
                categories.origin_part
                when 'medium'
                then origins_named.medium
                when 'source'
                then origins_named.came_from
                else origins_named.campaign
            end
            like categories.pattern
        group by
            origins_named.medium,
            origins_named.source,
            origins_named.campaign,
            origins_named.referrer_host,
            origins_named.came_from,
            origins_named.has_parameters
    ),

    matches_ranked as (
        select
            origins_categorised.*,
            channels.channel,
            row_number() over (
                partition by
                    origins_categorised.medium,
                    origins_categorised.source,
                    origins_categorised.campaign,
                    origins_categorised.referrer_host
                order by channels.priority
            ) as match_rank
        from origins_categorised
        inner join
            channels
            on origins_categorised.medium_category
            = coalesce(channels.medium_category, origins_categorised.medium_category)
            and origins_categorised.source_category
            = coalesce(channels.source_category, origins_categorised.source_category)
            and origins_categorised.campaign_category = coalesce(
                channels.campaign_category, origins_categorised.campaign_category
            )
    )

select medium, source, campaign, referrer_host, channel
from matches_ranked
where match_rank = 1
