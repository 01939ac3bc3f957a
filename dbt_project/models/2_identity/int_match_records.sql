with

    sightings as (select * from {{ ref("int_sightings") }}),
    records as (select * from {{ ref("record_identifiers") }}),
    people as (select * from {{ ref("int_exact_people") }}),
    list_rows as (select * from {{ ref("stg_lists__rows") }}),
    free_mail as (select * from {{ ref("free_mail_domains") }}),

    -- A role mailbox, and an address that somebody else typed, is nobody's own.
    records_of_people as (
        select
            people.component as exact_person,
            sightings.row_key,
            sightings.source,
            sightings.person_name,
            replace(sightings.person_name_raw, '　', ' ') as person_name_raw,
            sightings.person_kana,
            case when records.is_own_email then sightings.email end as email,
            {{ mail_words("sightings.email", 1) }} as first_word,
            {{ mail_words("sightings.email", 2) }} as second_word,
            sightings.company_key,
            sightings.department,
            sightings.phone,
            sightings.prefecture,
            list_rows.postal_code
        from sightings
        inner join
            records
            on sightings.row_key = records.row_key
            and sightings.source = records.source
        inner join people on records.identifier = people.node
        left join
            list_rows
            on sightings.row_key = list_rows.row_key
            and sightings.source = 'lists'
        where
            sightings.source <> 'email'
            and (
                sightings.person_name is not null
                or (sightings.email is not null and records.is_own_email)
            )
    ),

    sounds as (
        select
            *,
            {{ reading_key("person_kana") }} as sound_of_kana,
            {{ reading_key("person_name") }} as sound_of_name,
            {{ reading_key("split_part(person_name_raw, ' ', 2)") }}
            || {{ reading_key("split_part(person_name_raw, ' ', 1)") }} as sound_turned
        from records_of_people
    ),

    -- Kana in the field for the reading, or a name that is kana or Latin letters
    -- itself; in Latin letters the given name may stand first.
    records_read as (
        select
            *,
            coalesce(
                {{ letters_only("sound_of_kana") }}, {{ letters_only("sound_of_name") }}
            ) as own_reading,
            case
                when {{ letters_only("sound_of_name") }} is not null
                then {{ letters_only("sound_turned") }}
            end as reading_turned
        from sounds
    ),

    readings_ranked as (
        select
            person_name,
            own_reading as reading,
            row_number() over (
                partition by person_name order by count(*) desc, own_reading
            ) as place
        from records_read
        where person_name is not null and own_reading is not null
        group by person_name, own_reading
    ),

    -- Which address domain goes with a company's name, so that a card without an
    -- address meets an address without a company.
    domains_ranked as (
        select
            records_read.company_key,
            split_part(records_read.email, '@', 2) as email_domain,
            row_number() over (
                partition by records_read.company_key
                order by count(*) desc, split_part(records_read.email, '@', 2)
            ) as place
        from records_read
        left join free_mail on split_part(records_read.email, '@', 2) = free_mail.domain
        where
            records_read.company_key is not null
            and records_read.email is not null
            and free_mail.domain is null
        group by records_read.company_key, split_part(records_read.email, '@', 2)
    ),

    bearers as (
        select person_name, cast(count(distinct exact_person) as bigint) as name_bearers
        from records_read
        where person_name is not null
        group by person_name
    )

select
    records_read.exact_person,
    records_read.row_key,
    records_read.source,
    records_read.person_name,
    bearers.name_bearers,
    coalesce(records_read.own_reading, readings_ranked.reading) as reading,
    records_read.reading_turned,
    records_read.email,
    case
        when free_mail.domain is null then split_part(records_read.email, '@', 2)
    end as email_domain,
    -- The ways in which an address spells a name: both parts in either order, one
    -- part with the other's initial, one part alone.
    case
        when length(first_word) > 1 and length(second_word) > 1
        then {{ letters_only(loose_letters("first_word || second_word")) }}
    end as mail_name,
    case
        when length(first_word) > 1 and length(second_word) > 1
        then {{ letters_only(loose_letters("second_word || first_word")) }}
    end as mail_name_turned,
    case
        when length(first_word) = 1 and length(second_word) > 2
        then {{ letters_only(loose_letters("second_word || first_word")) }}
        when length(second_word) = 1 and length(first_word) > 2
        then {{ letters_only(loose_letters("first_word || second_word")) }}
    end as mail_initial,
    case
        when length(first_word) > 2 and second_word = ''
        then {{ letters_only(loose_letters("first_word")) }}
    end as mail_word,
    coalesce(
        case
            when free_mail.domain is null then split_part(records_read.email, '@', 2)
        end,
        domains_ranked.email_domain,
        records_read.company_key
    ) as organisation,
    records_read.company_key,
    case
        when records_read.phone like '+81_0________' then records_read.phone
    end as mobile,
    case
        when records_read.phone not like '+81_0________' then records_read.phone
    end as landline,
    records_read.department,
    records_read.postal_code,
    records_read.prefecture
from records_read
left join bearers on records_read.person_name = bearers.person_name
left join
    readings_ranked
    on records_read.person_name = readings_ranked.person_name
    and readings_ranked.place = 1
left join
    domains_ranked
    on records_read.company_key = domains_ranked.company_key
    and domains_ranked.place = 1
left join free_mail on split_part(records_read.email, '@', 2) = free_mail.domain
