with

    milestones_reached as (select * from {{ ref("int_milestones_reached") }}),

    tiers as (select * from {{ ref("tiers") }}),

    tiers_reached as (
        select
            milestones_reached.person_id,
            milestones_reached.reached_at,
            milestones_reached.touch_type as cause,
            tiers.tier,
            tiers.tier_rank
        from milestones_reached
        inner join
            tiers
            on milestones_reached.milestone = tiers.milestone
            and milestones_reached.reached_count = tiers.threshold
    ),

    highest_of_moment as (
        select
            *,
            row_number() over (
                partition by person_id, reached_at order by tier_rank desc
            ) as rank_at_moment
        from tiers_reached
    ),

    compared_with_before as (
        select
            *,
            max(tier_rank) over (
                partition by person_id
                order by reached_at
                rows between unbounded preceding and 1 preceding
            ) as highest_before
        from highest_of_moment
        where rank_at_moment = 1
    ),

    -- nobody falls back: a lost deal leaves a prospect, who is nurtured on (G14)
    climbed as (
        select *
        from compared_with_before
        where highest_before is null or tier_rank > highest_before
    ),

    periods as (
        select
            person_id,
            tier,
            reached_at as valid_from,
            lead(reached_at) over (
                partition by person_id order by reached_at
            ) as valid_to,
            cause
        from climbed
    )

select *
from periods
