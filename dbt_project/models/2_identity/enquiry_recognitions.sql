with

    submissions as (select * from {{ ref("stg_forms__submissions") }}),
    sightings as (select * from {{ ref("int_person_sightings") }}),
    departments as (select * from {{ ref("int_departments_categorised") }}),
    orders as (select * from {{ ref("int_person_orders") }}),

    enquiries as (
        select
            submissions.row_key,
            submissions.form_kind,
            submissions.product_id,
            sightings.seen_at as enquired_at,
            sightings.person_id,
            sightings.company_id,
            departments.department_category
        from submissions
        inner join
            sightings
            on submissions.row_key = sightings.row_key
            and sightings.source = 'forms'
        left join departments on sightings.department = departments.department
    ),

    people_named as (
        select person_id, min(seen_at) as known_at
        from sightings
        where person_name is not null
        group by person_id
    ),

    departments_met as (
        select
            sightings.company_id,
            departments.department_category,
            min(sightings.seen_at) as known_at
        from sightings
        inner join departments on sightings.department = departments.department
        where
            sightings.company_id is not null
            and departments.department_category is not null
        group by sightings.company_id, departments.department_category
    ),

    customers as (
        select company_id, min(ordered_at) as since
        from orders
        where company_id is not null
        group by company_id
    ),

    products_of_companies as (
        select company_id, product_id, min(ordered_at) as since
        from orders
        where company_id is not null and product_id is not null
        group by company_id, product_id
    ),

    products_of_people as (
        select person_id, product_id, min(ordered_at) as since
        from orders
        where product_id is not null
        group by person_id, product_id
    )

select
    enquiries.row_key,
    enquiries.form_kind,
    enquiries.enquired_at,
    enquiries.person_id,
    enquiries.company_id,
    enquiries.department_category,
    enquiries.product_id,
    coalesce(customers.since < enquiries.enquired_at, false) as is_existing_company,
    coalesce(people_named.known_at < enquiries.enquired_at, false) as is_known_person,
    coalesce(
        departments_met.known_at < enquiries.enquired_at, false
    ) as is_known_department,
    coalesce(products_of_companies.since < enquiries.enquired_at, false)
    or coalesce(
        products_of_people.since < enquiries.enquired_at, false
    ) as has_bought_product
from enquiries
left join people_named on enquiries.person_id = people_named.person_id
left join
    departments_met
    on enquiries.company_id = departments_met.company_id
    and enquiries.department_category = departments_met.department_category
left join customers on enquiries.company_id = customers.company_id
left join
    products_of_companies
    on enquiries.company_id = products_of_companies.company_id
    and enquiries.product_id = products_of_companies.product_id
left join
    products_of_people
    on enquiries.person_id = products_of_people.person_id
    and enquiries.product_id = products_of_people.product_id
