with

    words as (select * from {{ ref("int_person_words") }}),
    spans as (select * from {{ ref("employment_spans") }}),
    rules as (select * from {{ ref("attribute_rules") }}),
    bounces as (select * from {{ ref("int_emails_bounced") }}),

    words_placed as (
        select
            words.*,
            rules.check_after_days,
            rules.stale_after_days,
            bounces.bounced_at,
            case
                when not rules.follows_employment
                then 0
                when spans.span_to = cast('9999-12-31' as timestamp)
                then 0
                else 1
            end as is_of_former_employment
        from words
        inner join rules on words.attribute = rules.attribute
        left join
            spans
            on words.person_id = spans.person_id
            and words.company_id = spans.company_id
        left join
            bounces
            on words.attribute = 'email'
            and words.attribute_value = bounces.email
            and words.seen_at <= bounces.bounced_at
    ),

    -- An address that takes mail before one that does not, the present employment
    -- before a former one, then the more trusted source, then the later word, then
    -- (only for a stable answer) the smaller text.
    words_ranked as (
        select
            *,
            row_number() over (
                partition by person_id, attribute
                order by
                    case when bounced_at is null then 0 else 1 end,
                    is_of_former_employment,
                    trust desc,
                    seen_at desc,
                    attribute_value,
                    row_key,
                    source
            ) as word_rank,
            max(seen_at) over (
                partition by person_id, attribute, attribute_value
            ) as value_seen_at
        from words_placed
    ),

    values_told as (
        select
            person_id,
            attribute,
            attribute_value,
            source,
            trust,
            trust_class,
            check_after_days,
            stale_after_days,
            value_seen_at,
            max(bounced_at) as bounced_at,
            min(is_of_former_employment) as is_of_former_employment,
            min(seen_at) as first_seen_at,
            max(seen_at) as last_seen_at,
            min(word_rank) as best_rank,
            min_by(row_key, word_rank) as evidence_row_key,
            cast(count(*) as bigint) as record_count
        from words_ranked
        group by
            person_id,
            attribute,
            attribute_value,
            source,
            trust,
            trust_class,
            check_after_days,
            stale_after_days,
            value_seen_at
    ),

    winners as (select * from values_told where best_rank = 1),

    values_judged as (
        select
            values_told.*,
            values_told.best_rank = 1 as is_winner,
            case
                when values_told.best_rank = 1
                then 'wins'
                when values_told.attribute_value = winners.attribute_value
                then 'agrees'
                when values_told.bounced_at is not null and winners.bounced_at is null
                then 'bounces'
                when
                    values_told.is_of_former_employment
                    > winners.is_of_former_employment
                then 'former_employment'
                when values_told.trust < winners.trust
                then 'less_trusted'
                when values_told.last_seen_at < winners.last_seen_at
                then 'older'
                else 'tie'
            end as verdict
        from values_told
        inner join
            winners
            on values_told.person_id = winners.person_id
            and values_told.attribute = winners.attribute
    ),

    -- 1900 stands for a record without a date: nobody knows how old it is.
    ages as (
        select
            *,
            case
                when value_seen_at > cast('1900-01-01' as timestamp) then value_seen_at
            end as verified_at,
            cast(
                case
                    when value_seen_at > cast('1900-01-01' as timestamp)
                    then {{ age_in_days("value_seen_at") }}
                end as integer
            ) as age_days
        from values_judged
    )

select
    person_id,
    attribute,
    attribute_value,
    source,
    trust_class,
    is_winner,
    verdict,
    first_seen_at,
    last_seen_at,
    record_count,
    verified_at,
    age_days,
    bounced_at,
    bounced_at is not null or coalesce(age_days > stale_after_days, true) as is_stale,
    bounced_at is not null
    or coalesce(age_days >= check_after_days, true) as is_due_for_check,
    evidence_row_key
from ages
