with

    sighted as (select * from {{ ref("int_identifiers_sighted") }}),
    identifiers as (select * from {{ ref("int_identifiers_first_seen") }}),
    records as (select * from {{ ref("record_identifiers") }}),
    sightings as (select * from {{ ref("int_sightings") }}),
    rules as (select * from {{ ref("identity_rules") }} where step = 1),
    rejections as (
        select * from {{ ref("stg_links__decisions") }} where decision = 'reject'
    ),
    acceptances as (
        select * from {{ ref("stg_links__decisions") }} where decision = 'accept'
    ),

    -- Two identifiers in one record claim to be one person, if a rule says so for
    -- their kinds.
    pairs as (
        select
            lefts.identifier as left_identifier,
            rights.identifier as right_identifier,
            rules.rule_id,
            lefts.seen_at as claimed_at,
            lefts.row_key,
            lefts.source,
            -- An address typed by somebody else says nothing about its owner.
            records.is_own_email
            or not (
                lefts.identifier_kind = 'email' or rights.identifier_kind = 'email'
            ) as is_own
        from sighted as lefts
        inner join rules on lefts.identifier_kind = rules.left_kind
        inner join
            sighted as rights
            on lefts.row_key = rights.row_key
            and lefts.source = rights.source
            and rules.right_kind = rights.identifier_kind
        inner join
            records on lefts.row_key = records.row_key and lefts.source = records.source
    ),

    pairs_numbered as (
        select
            *,
            -- A record without a date tells nothing of when.
            case
                when claimed_at > cast('1900-01-02' as timestamp) then claimed_at
            end as dated_at,
            row_number() over (
                partition by left_identifier, right_identifier, rule_id
                order by claimed_at, row_key
            ) as claim_number,
            count(*) over (
                partition by left_identifier, right_identifier, rule_id
            ) as claim_count,
            max(case when is_own then 1 else 0 end) over (
                partition by left_identifier, right_identifier, rule_id
            ) as own_claims
        from pairs
    ),

    claims as (
        select
            {{ surrogate_key(["left_identifier", "right_identifier", "rule_id"]) }}
            as link_id,
            left_identifier,
            right_identifier,
            rule_id,
            claimed_at as first_claimed_at,
            cast(claim_count as bigint) as claim_count,
            row_key as evidence_row_key,
            own_claims = 1 as is_own,
            sum(own_claims) over (
                partition by rule_id, left_identifier
            ) as rights_of_left,
            sum(own_claims) over (
                partition by rule_id, right_identifier
            ) as lefts_of_right,
            min(case when own_claims = 1 then dated_at end) over (
                partition by rule_id, right_identifier
            ) as right_claimed_from,
            max(case when own_claims = 1 then dated_at end) over (
                partition by rule_id, right_identifier
            ) as right_claimed_to
        from pairs_numbered
        where claim_number = 1
    ),

    -- Two at one company who bear one name: the addresses come with other phones and
    -- other departments, and never share one.
    traits as (
        select distinct
            pairs.rule_id,
            pairs.right_identifier,
            pairs.left_identifier,
            sightings.phone,
            sightings.department
        from pairs
        inner join rules on pairs.rule_id = rules.rule_id and rules.parts_namesakes
        inner join
            sightings
            on pairs.row_key = sightings.row_key
            and pairs.source = sightings.source
    ),

    namesakes as (
        select distinct mine.rule_id, mine.right_identifier
        from traits as mine
        inner join
            traits as others
            on mine.rule_id = others.rule_id
            and mine.right_identifier = others.right_identifier
            and mine.left_identifier < others.left_identifier
        group by
            mine.rule_id,
            mine.right_identifier,
            mine.left_identifier,
            others.left_identifier
        having
            count(mine.phone) > 0
            and count(others.phone) > 0
            and count(mine.department) > 0
            and count(others.department) > 0
            and max(case when mine.phone = others.phone then 1 else 0 end) = 0
            and max(case when mine.department = others.department then 1 else 0 end) = 0
    ),

    claims_judged as (
        select
            claims.link_id,
            claims.left_identifier,
            claims.right_identifier,
            claims.rule_id,
            rules.confidence,
            claims.first_claimed_at,
            claims.claim_count,
            claims.evidence_row_key,
            rejections.link_id is not null as is_rejected,
            case
                when rejections.link_id is not null
                then
                    'rejected by '
                    || coalesce(rejections.decided_by, 'somebody')
                    || ': '
                    || rejections.reason
                when
                    lefts.excluded_because is not null
                    and not rules.joins_role_mailboxes
                then 'left identifier never joins: ' || lefts.excluded_because
                when
                    rights.excluded_because is not null
                    and not rules.joins_role_mailboxes
                then 'right identifier never joins: ' || rights.excluded_because
                -- Who knows both goes before every limit, which only guesses.
                when acceptances.link_id is not null
                then null
                when not claims.is_own and not rules.joins_role_mailboxes
                then 'the address bears another name in most records'
                when claims.rights_of_left > rules.max_rights_per_left
                then
                    'left identifier would join '
                    || cast(claims.rights_of_left as {{ dbt.type_string() }})
                    || ', the rule allows '
                    || cast(rules.max_rights_per_left as {{ dbt.type_string() }})
                when claims.lefts_of_right > rules.max_lefts_per_right
                then
                    'right identifier would join '
                    || cast(claims.lefts_of_right as {{ dbt.type_string() }})
                    || ', the rule allows '
                    || cast(rules.max_lefts_per_right as {{ dbt.type_string() }})
                when
                    claims.lefts_of_right > 1
                    and {{
                        dbt.datediff(
                            "claims.right_claimed_from",
                            "claims.right_claimed_to",
                            "day",
                        )
                    }} > rules.longest_span_days
                then
                    'right identifier was borne over more than '
                    || cast(rules.longest_span_days as {{ dbt.type_string() }})
                    || ' days'
                when namesakes.right_identifier is not null
                then
                    'right identifier is borne by two: other phones and other departments'
            end as refused_because
        from claims
        inner join rules on claims.rule_id = rules.rule_id
        left join rejections on claims.link_id = rejections.link_id
        left join acceptances on claims.link_id = acceptances.link_id
        left join
            namesakes
            on claims.rule_id = namesakes.rule_id
            and claims.right_identifier = namesakes.right_identifier
        inner join identifiers as lefts on claims.left_identifier = lefts.identifier
        inner join identifiers as rights on claims.right_identifier = rights.identifier
    )

select *
from claims_judged
