with

    calendars as (select * from {{ ref("business_calendars") }}),

    holidays as (select distinct country, day from {{ ref("public_holidays") }}),

    closures as (select * from {{ ref("business_closures") }}),

    -- a deadline may lie ahead of the as-of day
    spine as (
        {{
            dbt.date_spine(
                "day",
                "cast('2000-01-01' as date)",
                dbt.dateadd("day", 400, as_of_date()),
            )
        }}
    ),

    days as (
        select
            calendars.calendar_id,
            cast(spine.date_day as date) as day,
            holidays.day is null
            and closures.calendar_id is null
            and ',' || calendars.workdays || ','
            like '%,'
            || cast(
                1 + mod(
                    {{
                        dbt.datediff(
                            "cast('1999-12-27' as date)",
                            "cast(spine.date_day as date)",
                            "day",
                        )
                    }},
                    7
                ) as {{ dbt.type_string() }}
            )
            || ',%' as is_open,
            cast(substr(calendars.opens_at, 1, 2) as integer) * 60
            + cast(substr(calendars.opens_at, 4, 2) as integer) as opens_minute,
            cast(substr(calendars.closes_at, 1, 2) as integer) * 60
            + cast(substr(calendars.closes_at, 4, 2) as integer) as closes_minute
        from spine
        cross join calendars
        left join
            holidays
            on calendars.country = holidays.country
            and cast(spine.date_day as date) = holidays.day
        left join
            closures
            on calendars.calendar_id = closures.calendar_id
            and substr(
                cast(cast(spine.date_day as date) as {{ dbt.type_string() }}), 6, 5
            )
            = closures.month_day
    ),

    days_measured as (
        select
            calendar_id,
            day,
            is_open,
            {{ plus_minutes(day_begins_at("day"), "opens_minute") }} as opens_at,
            cast(
                case
                    when is_open then (closes_minute - opens_minute) * 60 else 0
                end as bigint
            ) as open_seconds
        from days
    ),

    -- working time as one line: a deadline of nine hours is nine hours further on it,
    -- whatever nights and holidays lie between
    business_days as (
        select
            calendar_id,
            day,
            is_open,
            opens_at,
            open_seconds,
            cast(
                sum(open_seconds) over (
                    partition by calendar_id
                    order by day
                    rows between unbounded preceding and current row
                )
                - open_seconds as bigint
            ) as seconds_before
        from days_measured
    )

select *
from business_days
