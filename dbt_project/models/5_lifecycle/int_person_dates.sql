{# Dates that somebody told of a person and that a scenario waits for. Written as 2027-03-31, 2027/3/31 or 2027年3月31日;
   a month alone means its last day. What reads as no date has none, and waits for nobody. #}
with

    attributes as (select * from {{ ref("person_attributes") }} where is_winner),
    scenarios as (select * from {{ ref("scenarios") }}),

    dates_told as (
        select
            attributes.person_id,
            attributes.attribute,
            attributes.attribute_value,
            rtrim(
                replace(
                    replace(
                        replace(
                            replace(
                                replace(attributes.attribute_value, '年', '-'), '月', '-'
                            ),
                            '日',
                            ''
                        ),
                        '/',
                        '-'
                    ),
                    ' ',
                    ''
                ),
                '-'
            ) as written
        from attributes
        where
            exists (
                select 1
                from scenarios
                where scenarios.date_attribute = attributes.attribute
            )
    )

select
    person_id,
    attribute,
    attribute_value,
    case
        when length(written) - length(replace(written, '-', '')) = 1
        then
            cast(
                {{ dbt.last_day("try_cast(written || '-01' as date)", "month") }}
                as date
            )
        else try_cast(written as date)
    end as falls_on
from dates_told
