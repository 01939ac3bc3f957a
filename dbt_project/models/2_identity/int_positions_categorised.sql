with

    sightings as (select * from {{ ref("int_person_sightings") }}),
    categories as (select * from {{ ref("position_categories") }}),

    positions as (
        select position, cast(count(distinct person_id) as bigint) as people_count
        from sightings
        where position is not null
        group by position
    ),

    matches_ranked as (
        select
            positions.position,
            positions.people_count,
            categories.category,
            categories.position_rank,
            row_number() over (
                partition by positions.position order by categories.priority nulls last
            ) as match_rank
        from positions
        left join categories on positions.position like categories.pattern
    )

select position, people_count, category as position_category, position_rank
from matches_ranked
where match_rank = 1
