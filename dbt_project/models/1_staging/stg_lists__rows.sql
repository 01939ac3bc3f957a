with

    list_rows as (select * from {{ source("raw_lists", "rows") }}),

    known as (
        select *
        from list_rows
        where occurrence = 1 and {{ known_by_then(day_begins_at("collected_on")) }}
    ),

    rows_named as (
        select
            row_key,
            coalesce(list_name, 'unnamed') as list_name,
            collected_on,
            email,
            email_domain,
            email_domain_kind,
            corporate_number,
            person_name,
            person_name_raw,
            person_kana,
            company_name,
            company_key,
            department,
            position,
            coalesce(mobile, phone) as phone,
            phone as office_phone,
            mobile,
            postal_code,
            prefecture,
            address,
            url,
            note
        from known
    )

select *
from rows_named
