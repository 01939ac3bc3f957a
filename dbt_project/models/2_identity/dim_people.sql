with

    identifiers as (select * from {{ ref("person_identifiers") }}),
    attributes as (select * from {{ ref("person_attributes") }} where is_winner),
    spans as (
        select *
        from {{ ref("employment_spans") }}
        where span_to = cast('9999-12-31' as timestamp)
    ),
    companies as (select * from {{ ref("dim_companies") }}),
    departments as (select * from {{ ref("int_departments_categorised") }}),
    positions as (select * from {{ ref("int_positions_categorised") }}),
    own_sites as (select * from {{ ref("own_sites") }} where kind = 'mail_domain'),
    orders as (select * from {{ ref("int_person_orders") }}),
    events as (select * from {{ ref("stg_email__events") }}),

    people as (
        select
            person_id,
            min(first_seen_at) as first_seen_at,
            cast(count(*) as bigint) as identifier_count
        from identifiers
        group by person_id
    ),

    attributes_side_by_side as (
        select
            person_id,
            max(
                case when attribute = 'person_name' then attribute_value end
            ) as display_name,
            max(
                case when attribute = 'person_kana' then attribute_value end
            ) as person_kana,
            max(case when attribute = 'email' then attribute_value end) as email,
            max(case when attribute = 'phone' then attribute_value end) as phone,
            max(
                case when attribute = 'company_name' then attribute_value end
            ) as company_name,
            max(
                case when attribute = 'department' then attribute_value end
            ) as department,
            max(case when attribute = 'position' then attribute_value end) as position,
            max(
                case when attribute = 'prefecture' then attribute_value end
            ) as prefecture,
            max(case when attribute = 'industry' then attribute_value end) as industry,
            max(case when is_due_for_check then 1 else 0 end) as any_due_for_check
        from attributes
        group by person_id
    ),

    buyers as (select distinct person_id from orders),

    reached_by_mail as (
        select distinct identifiers.person_id
        from events
        inner join identifiers on 'email:' || events.recipient = identifiers.identifier
        where events.event_type in ('delivered', 'opened', 'clicked')
    ),

    staff as (
        select distinct identifiers.person_id
        from identifiers
        inner join
            own_sites on identifiers.identifier_value like '%@' || own_sites.pattern
        where identifiers.identifier_kind = 'email'
    )

select
    people.person_id,
    coalesce(attributes.display_name, attributes.email) as display_name,
    attributes.person_kana,
    attributes.email,
    attributes.phone,
    spans.company_id,
    coalesce(attributes.company_name, companies.company_name) as company_name,
    attributes.department,
    departments.department_category,
    attributes.position,
    positions.position_category,
    positions.position_rank,
    coalesce(attributes.prefecture, companies.prefecture) as prefecture,
    coalesce(attributes.industry, companies.industry) as industry,
    people.first_seen_at,
    people.identifier_count,
    staff.person_id is not null as is_internal,
    case
        when buyers.person_id is not null
        then 'contract'
        when reached_by_mail.person_id is not null
        then 'verified_mail'
        when attributes.email is not null or attributes.display_name is not null
        then 'self_declared'
        else 'anonymous'
    end as identity_confidence,
    attributes.department is not null as is_department_known,
    attributes.position is not null as is_position_known,
    attributes.display_name is not null
    and attributes.email is not null
    and attributes.phone is not null
    and coalesce(attributes.company_name, companies.company_name)
    is not null as has_minimal_profile,
    coalesce(attributes.any_due_for_check, 0) = 1 as is_due_for_check
from people
left join
    attributes_side_by_side as attributes on people.person_id = attributes.person_id
left join spans on people.person_id = spans.person_id
left join companies on spans.company_id = companies.company_id
left join departments on attributes.department = departments.department
left join positions on attributes.position = positions.position
left join buyers on people.person_id = buyers.person_id
left join reached_by_mail on people.person_id = reached_by_mail.person_id
left join staff on people.person_id = staff.person_id
