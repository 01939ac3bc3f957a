with

    days as (
        {{
            dbt.date_spine(
                "day",
                "cast('2000-01-01' as date)",
                dbt.dateadd("day", 1, as_of_date()),
            )
        }}
    ),

    time_spine as (select cast(date_day as date) as date_day from days)

select *
from time_spine
