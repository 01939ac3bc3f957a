-- What several measures stand on: whose each identifier truly is, which person_id stands
-- for whom, and which web touch is which line of the log.
--
-- The same words of a person in a list, a form or the CRM: the row's true person owns the
-- phone with name and the card that the row tells of.
create temp table identifier_owners as
with
    rows_of_people as (
        select rows.phone, rows.mobile, rows.person_name, rows.company_key, owners.person_key, owners.trouble
        from raw_lists.rows as rows
        inner join truth.identifiers as owners
            on owners.kind = 'list_row'
            and 'lists/' || owners.value = rows.source_file || ':' || rows.line_number
        union all
        select rows.phone, null, rows.person_name, rows.company_key, owners.person_key, owners.trouble
        from raw_forms.submissions as rows
        inner join truth.identifiers as owners
            on owners.kind = 'submission' and owners.value = rows.submission_id
        union all
        select rows.phone, null, rows.person_name, rows.company_key, owners.person_key, owners.trouble
        from raw_crm.leads as rows
        inner join truth.identifiers as owners
            on owners.kind = 'crm_lead' and owners.value = rows.lead_id
    ),
    owned as (
        select kind || ':' || case when kind = 'email' then lower(value) else value end as identifier,
            person_key, trouble
        from truth.identifiers
        where kind in ('email', 'mail_token', 'crm_lead')
        union all
        select 'phone_name:' || phone || '|' || person_name, person_key, trouble from rows_of_people
        union all
        select 'phone_name:' || mobile || '|' || person_name, person_key, trouble from rows_of_people
        union all
        select 'card:' || company_key || '|' || person_name, person_key, trouble from rows_of_people
    )
select identifier, person_key, max(trouble) as trouble
from owned
where identifier is not null and person_key is not null
group by identifier, person_key;

-- One row per identifier of the marts and true owner; a shared one (info@) has several.
create temp table known as
select
    identifiers.identifier,
    identifiers.person_id,
    owners.person_key,
    owners.trouble,
    count(*) over (partition by identifiers.identifier) > 1 as is_shared
from identity.person_identifiers as identifiers
inner join identifier_owners as owners on identifiers.identifier = owners.identifier;

-- A true person stands where most of her own identifiers stand, and the other way round.
create temp table person_ids as
select person_key, person_id
from (select person_key, person_id, count(*) as identifiers from known where not is_shared group by all)
qualify row_number() over (partition by person_key order by identifiers desc, person_id) = 1;

create temp table person_keys as
select person_id, person_key
from (
    select person_id, person_key, count(*) filter (where not is_shared) as own, count(*) as identifiers
    from known
    group by all
)
qualify row_number() over (partition by person_id order by own desc, identifiers desc, person_key) = 1;

create temp table person_troubles as
select person_key, trouble from truth.people where trouble is not null
union
select person_key, unnest(troubles) from truth.people;

-- Two lines of one second, address, cookie and path are one reader's.
create temp table web_touches as
with
    lines as (
        select
            occurred_at,
            client_address,
            coalesce(visitor_id, '') as cookie,
            regexp_extract(line, '"[A-Z]+ ([^ ?"]*)', 1) as path,
            any_value(person_key) as person_key,
            bool_or(is_machine) as is_machine,
            max(machine_kind) as machine_kind,
            max(trouble) as trouble
        from truth.requests
        group by all
    )
select
    touches.touch_id,
    touches.person_id,
    touches.is_machine as is_called_machine,
    requests.visitor_id as cookie,
    lines.person_key,
    -- Our own staff are no machines, but no readers either: both are to be left out.
    coalesce(lines.is_machine, false) or lines.machine_kind is not null as is_machine,
    lines.machine_kind,
    lines.trouble
from behaviour.fct_touches as touches
inner join raw_web.requests as requests on touches.row_key = requests.row_key
inner join lines
    on requests.occurred_at = lines.occurred_at
    and requests.client_address = lines.client_address
    and coalesce(requests.visitor_id, '') = lines.cookie
    and coalesce(requests.path, '') = lines.path
where touches.source = 'web';
