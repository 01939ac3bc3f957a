with

    touchpoints as (select * from {{ ref("int_touchpoints") }}),

    models as (select * from {{ ref("attribution_models") }}),

    removals as (select * from {{ ref("int_channel_removals") }}),

    opportunities as (select * from {{ ref("fct_opportunities") }}),

    orders as (select * from {{ ref("fct_orders") }}),

    outcomes as (
        select
            'opportunity' as outcome_kind,
            opportunity_id as outcome_id,
            person_id,
            created_at as happened_at,
            cast(0 as decimal(18, 2)) as revenue_jpy,
            cast(0 as decimal(18, 2)) as margin_jpy
        from opportunities
        union all
        select
            'order',
            order_id,
            person_id,
            ordered_at,
            coalesce(amount_jpy, 0),
            coalesce(gross_margin_jpy, 0)
        from orders
    ),

    -- an outcome sees its person's touchpoints before it, as far back as the company
    -- looks
    paths as (
        select
            outcomes.outcome_kind,
            outcomes.outcome_id,
            touchpoints.touchpoint_id,
            touchpoints.channel,
            touchpoints.campaign_id,
            {{ seconds_between("touchpoints.touched_at", "outcomes.happened_at") }}
            / 86400 as days_before,
            count(*) over (
                partition by outcomes.outcome_kind, outcomes.outcome_id
            ) as touchpoints,
            row_number() over (
                partition by outcomes.outcome_kind, outcomes.outcome_id
                order by touchpoints.touched_at, touchpoints.touchpoint_id
            ) as place,
            row_number() over (
                partition by
                    outcomes.outcome_kind,
                    outcomes.outcome_id,
                    touchpoints.channel,
                    touchpoints.campaign_id
                order by touchpoints.touched_at, touchpoints.touchpoint_id
            ) as place_of_its_kind,
            count(*) over (
                partition by
                    outcomes.outcome_kind, outcomes.outcome_id, touchpoints.channel
            ) as touchpoints_of_channel
        from outcomes
        inner join touchpoints on outcomes.person_id = touchpoints.person_id
        where
            touchpoints.touched_at <= outcomes.happened_at
            and touchpoints.touched_at
            > {{ dbt.dateadd("day", -var("look_back_days"), "outcomes.happened_at") }}
    ),

    weighed as (
        select
            models.model_id,
            paths.*,
            cast(
                case
                    when models.is_by_coalition
                    then case when paths.place_of_its_kind = 1 then 1 else 0 end
                    -- an outcome goes to the channels of its own path, by what would
                    -- be missing without each
                    when models.is_by_removal
                    then
                        greatest(coalesce(removals.removal_effect, 0), 0.000000001)
                        / paths.touchpoints_of_channel
                    when models.half_life_days is not null
                    then power(0.5, paths.days_before / models.half_life_days)
                    when models.first_weight is null or paths.touchpoints = 1
                    then 1
                    when paths.touchpoints = 2
                    then
                        case
                            when paths.place = 1
                            then models.first_weight
                            else models.last_weight
                        end
                    when paths.place = 1
                    then models.first_weight
                    when paths.place = paths.touchpoints
                    then models.last_weight
                    else
                        (1 - models.first_weight - models.last_weight)
                        / (paths.touchpoints - 2)
                end as double
            ) as weight
        from paths
        cross join models
        left join
            removals
            on models.is_by_removal
            and paths.outcome_kind = removals.outcome_kind
            and paths.channel = removals.channel
    ),

    shares_rounded as (
        select
            *,
            cast(
                weight / sum(weight) over (
                    partition by model_id, outcome_kind, outcome_id
                ) as decimal(16, 12)
            ) as rounded_share
        from weighed
    ),

    -- every outcome gives away exactly one credit: what rounding leaves goes to the
    -- first touchpoint
    shared as (
        select
            *,
            case
                when place = 1
                then
                    cast(1 as decimal(16, 12))
                    + rounded_share
                    - sum(rounded_share) over (
                        partition by model_id, outcome_kind, outcome_id
                    )
                else rounded_share
            end as share
        from shares_rounded
    ),

    credits as (
        select
            models.model_id,
            outcomes.outcome_kind,
            coalesce(shared.channel, '(none)') as channel,
            coalesce(shared.campaign_id, '(none)') as campaign_id,
            cast(coalesce(shared.share, 1) as decimal(16, 12)) as share,
            outcomes.revenue_jpy,
            outcomes.margin_jpy
        from outcomes
        cross join models
        left join
            shared
            on outcomes.outcome_kind = shared.outcome_kind
            and outcomes.outcome_id = shared.outcome_id
            and models.model_id = shared.model_id
    ),

    attribution as (
        select
            model_id,
            outcome_kind,
            channel,
            campaign_id,
            sum(share) as outcomes,
            sum(
                cast(share as decimal(19, 12)) * cast(revenue_jpy as decimal(19, 2))
            ) as revenue_jpy,
            sum(
                cast(share as decimal(19, 12)) * cast(margin_jpy as decimal(19, 2))
            ) as margin_jpy
        from credits
        where share <> 0
        group by model_id, outcome_kind, channel, campaign_id
    )

select
    {{ surrogate_key(["model_id", "outcome_kind", "channel", "campaign_id"]) }}
    as attribution_id,
    model_id,
    outcome_kind,
    channel,
    campaign_id,
    cast(outcomes as decimal(28, 12)) as outcomes,
    cast(revenue_jpy as decimal(38, 14)) as revenue_jpy,
    cast(margin_jpy as decimal(38, 14)) as margin_jpy
from attribution
