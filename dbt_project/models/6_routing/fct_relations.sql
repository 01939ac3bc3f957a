with

    contacts as (select * from {{ ref("int_unit_contacts") }}),

    parameters as (select * from {{ ref("routing_parameters") }}),

    relations as (
        select
            contacts.unit_id,
            contacts.owner_id,
            contacts.company_id,
            contacts.department_category,
            count(distinct contacts.person_id) as people_known,
            count(*) as contacts,
            max(contacts.contacted_at) as last_contact_at,
            max(strong.amount) as strong_contacts
        from contacts
        inner join
            parameters as spans
            on spans.parameter = 'relation_days'
            and {{ age_in_days("contacts.contacted_at") }} <= spans.amount
        inner join parameters as strong on strong.parameter = 'strong_relation_contacts'
        where contacts.company_id is not null
        group by
            contacts.unit_id,
            contacts.owner_id,
            contacts.company_id,
            contacts.department_category
    )

select
    {{ surrogate_key(["unit_id", "owner_id", "company_id", "department_category"]) }}
    as relation_id,
    unit_id,
    owner_id,
    company_id,
    department_category,
    people_known,
    contacts,
    last_contact_at,
    case
        when contacts >= strong_contacts then 'strong' else 'weak'
    end as relation_strength
from relations
