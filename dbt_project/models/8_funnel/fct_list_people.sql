{#
  SG19, I03: whoever stands on a list (of cards, of an event), and on the list of all people: can we reach and may we
  write to them, was what we know checked lately, and what became of them. A list that nobody can use looks like many
  buyers; the gap between raw and usable is the headline.
#}
with

    rows as (select * from {{ ref("stg_lists__rows") }}),

    record_identifiers as (select * from {{ ref("record_identifiers") }}),

    person_identifiers as (select * from {{ ref("person_identifiers") }}),

    people as (select * from {{ ref("dim_people") }}),

    attributes as (select * from {{ ref("person_attributes") }}),

    consents as (select * from {{ ref("lead_consents") }}),

    sessions as (select * from {{ ref("fct_sessions") }}),

    scores as (select * from {{ ref("fct_lead_scores") }}),

    opportunities as (select * from {{ ref("fct_opportunities") }}),

    orders as (select * from {{ ref("fct_orders") }}),

    members as (
        select
            rows.list_name,
            person_identifiers.person_id,
            min(rows.collected_on) as collected_on
        from rows
        inner join record_identifiers on rows.row_key = record_identifiers.row_key
        inner join
            person_identifiers
            on record_identifiers.identifier = person_identifiers.identifier
        where rows.list_name is not null
        group by rows.list_name, person_identifiers.person_id
        union all
        select '(all)', person_id, cast(null as date)
        from people
    ),

    addresses as (
        select
            person_id,
            count(*) filter (
                where attribute = 'email' and is_winner and bounced_at is null
            )
            > 0 as is_reachable,
            count(*) filter (
                where attribute in ('email', 'company_name', 'department') and is_winner
            )
            > 0
            and count(*) filter (
                where
                    attribute in ('email', 'company_name', 'department')
                    and is_winner
                    and is_stale
            )
            = 0 as is_fresh
        from attributes
        group by person_id
    ),

    consented as (
        select distinct person_id
        from consents
        where channel = 'email' and status = 'granted'
    ),

    visitors as (
        select person_id, max(started_at) as last_seen_at
        from sessions
        where person_id is not null and not is_machine
        group by person_id
    ),

    deals as (
        select person_id, min(created_on) as first_on
        from opportunities
        where person_id is not null
        group by person_id
    ),

    buyers as (
        select person_id, max(ordered_on) as last_on, count(*) as orders
        from orders
        where person_id is not null
        group by person_id
    )

select
    {{ surrogate_key(["members.list_name", "members.person_id"]) }} as list_person_id,
    members.list_name,
    members.collected_on,
    members.person_id,
    coalesce(addresses.is_reachable, false) as is_reachable,
    coalesce(addresses.is_fresh, false) as is_fresh,
    consented.person_id is not null as is_consented,
    coalesce(addresses.is_reachable and addresses.is_fresh, false)
    and consented.person_id is not null as is_usable,
    coalesce(
        members.collected_on is null
        or {{ local_date("visitors.last_seen_at") }} >= members.collected_on,
        false
    )
    and visitors.person_id is not null as is_seen_online,
    coalesce(scores.total_score > 0, false) as is_scored,
    coalesce(
        members.collected_on is null or deals.first_on >= members.collected_on, false
    )
    and deals.person_id is not null as has_opportunity,
    coalesce(
        members.collected_on is null or buyers.last_on >= members.collected_on, false
    )
    and buyers.person_id is not null as has_order
from members
inner join people on members.person_id = people.person_id and not people.is_internal
left join addresses on members.person_id = addresses.person_id
left join consented on members.person_id = consented.person_id
left join visitors on members.person_id = visitors.person_id
left join scores on members.person_id = scores.person_id
left join deals on members.person_id = deals.person_id
left join buyers on members.person_id = buyers.person_id
