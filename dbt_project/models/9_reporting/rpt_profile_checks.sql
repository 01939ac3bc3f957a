{# FR01: who was due for the monthly check of their data as a month began, and who answered in it. The share is of the
   month's own people: what they did later counts for later months. #}
with

    verifications as (
        select person_id, attribute, {{ local_date("verified_at") }} as verified_on
        from {{ ref("fct_verifications") }}
    ),

    monthly as (
        select attribute, check_after_days
        from {{ ref("attribute_rules") }}
        where check_after_days <= 31
    ),

    ages as (
        select cast(generated_number - 1 as integer) as age_months
        from ({{ dbt.generate_series(13) }}) as numbers
    ),

    months as (
        select
            cast(
                {{ dbt.dateadd("month", "-age_months", "month_now") }} as date
            ) as month
        from ages
        cross join
            (
                select
                    cast(date_trunc('month', {{ as_of_date() }}) as date) as month_now
            ) as now_then
    ),

    -- From each day on which somebody said something to the next one.
    silences as (
        select
            verifications.person_id,
            verifications.verified_on,
            max(monthly.check_after_days) as check_after_days,
            lead(verifications.verified_on) over (
                partition by verifications.person_id order by verifications.verified_on
            ) as next_verified_on
        from verifications
        inner join monthly on verifications.attribute = monthly.attribute
        group by verifications.person_id, verifications.verified_on
    ),

    due as (
        select
            months.month,
            silences.person_id,
            coalesce(
                silences.next_verified_on
                < {{ dbt.dateadd("month", 1, "months.month") }},
                false
            ) as has_answered
        from months
        inner join
            silences
            on months.month
            >= {{
                dbt.dateadd(
                    "day", "silences.check_after_days", "silences.verified_on"
                )
            }}
            and (
                silences.next_verified_on is null
                or silences.next_verified_on >= months.month
            )
    )

select
    month,
    cast(count(*) as bigint) as due_people,
    cast(count(*) filter (where has_answered) as bigint) as answered_people
from due
group by month
