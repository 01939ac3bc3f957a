{# What people said of budget, authority, need and timing. Who was not asked has no row: unknown is not no. #}
with

    rules as (select * from {{ ref("bant_rules") }}),
    answers as (select * from {{ ref("stg_surveys__answers") }}),
    submissions as (select * from {{ ref("stg_forms__submissions") }}),
    records as (select * from {{ ref("record_identifiers") }}),
    identifiers as (select * from {{ ref("person_identifiers") }}),
    people as (select * from {{ ref("dim_people") }}),

    words_of_records as (
        select
            'surveys' as source,
            response_id as row_key,
            question_id as question,
            answer,
            answered_at as said_at
        from answers
        union all
        select 'forms', row_key, 'message', message, occurred_at
        from submissions
        union all
        select 'forms', row_key, 'form_kind', form_kind, occurred_at
        from submissions
    ),

    words_of_people as (
        select
            identifiers.person_id,
            words_of_records.source,
            words_of_records.row_key,
            words_of_records.question,
            words_of_records.answer,
            words_of_records.said_at
        from words_of_records
        inner join
            records
            on words_of_records.source = records.source
            and words_of_records.row_key = records.row_key
        inner join identifiers on records.identifier = identifiers.identifier
        where words_of_records.answer is not null
        union all
        select person_id, 'attributes', null, 'position', position, null
        from people
        where position is not null
    ),

    -- The latest word counts, what was said before what a title lets suppose; of two
    -- words of one moment the one that promises less.
    words_ranked as (
        select
            words_of_people.person_id,
            rules.dimension,
            rules.is_positive,
            words_of_people.answer,
            words_of_people.said_at,
            words_of_people.source,
            words_of_people.row_key,
            rules.rule_id,
            row_number() over (
                partition by words_of_people.person_id, rules.dimension
                order by
                    words_of_people.said_at desc nulls last,
                    rules.is_positive,
                    rules.rule_id,
                    words_of_people.answer,
                    words_of_people.row_key
            ) as word_rank
        from words_of_people
        inner join
            rules
            on words_of_people.source = rules.source
            and words_of_people.question like rules.question_pattern
            and words_of_people.answer like rules.answer_pattern
    )

select person_id, dimension, is_positive, answer, said_at, source, row_key, rule_id
from words_ranked
where word_rank = 1
