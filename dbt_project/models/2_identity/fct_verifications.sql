with

    words as (
        select *
        from {{ ref("int_person_words") }}
        -- a record without a date verifies nothing, a mail that went out neither
        where seen_at > cast('1900-01-01' as timestamp) and trust_class <> 'observed'
    ),

    words_in_order as (
        select
            *,
            lag(attribute_value) over (
                partition by person_id, attribute order by seen_at, source, row_key
            ) as value_before
        from words
    )

select
    {{ surrogate_key(["source", "row_key", "attribute"]) }} as verification_id,
    person_id,
    attribute,
    attribute_value,
    seen_at as verified_at,
    source,
    case
        when value_before is null
        then 'first_told'
        when value_before = attribute_value
        then 'confirmed'
        else 'changed'
    end as outcome,
    row_key as evidence_row_key
from words_in_order
