with

    touchpoints as (select * from {{ ref("int_touchpoints") }}),

    opportunities as (select * from {{ ref("fct_opportunities") }}),

    orders as (select * from {{ ref("fct_orders") }}),

    first_opportunities as (
        select person_id, min(created_at) as happened_at
        from opportunities
        where person_id is not null
        group by person_id
    ),

    buyers as (select distinct person_id from orders where person_id is not null),

    -- of those without a deal the whole way is kept: paths that led nowhere are half
    -- the truth
    touchpoints_before as (
        select
            touchpoints.person_id,
            touchpoints.channel,
            min(touchpoints.touched_at) as touched_at
        from touchpoints
        left join
            first_opportunities on touchpoints.person_id = first_opportunities.person_id
        where
            first_opportunities.happened_at is null
            or touchpoints.touched_at <= first_opportunities.happened_at
        group by touchpoints.person_id, touchpoints.channel
    ),

    person_paths as (
        select
            person_id,
            {{ text_list("channel", " > ", "touched_at, channel") }} as channels
        from touchpoints_before
        group by person_id
    ),

    paths as (
        select
            person_paths.channels,
            cast(count(*) as bigint) as people,
            cast(
                count(*) filter (
                    where first_opportunities.person_id is not null
                ) as bigint
            ) as people_with_opportunity,
            cast(
                count(*) filter (where buyers.person_id is not null) as bigint
            ) as people_with_order
        from person_paths
        left join
            first_opportunities
            on person_paths.person_id = first_opportunities.person_id
        left join buyers on person_paths.person_id = buyers.person_id
        group by person_paths.channels
    )

select *
from paths
