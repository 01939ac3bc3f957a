{# IPv4 only: an address is a number, a range two bounds. A line of another kind matches nothing. #}
with

    requests as (
        select visitor_id, client_address, occurred_at
        from {{ ref("stg_web__requests") }}
        where client_address is not null
    ),
    ranges as (select * from {{ ref("ip_ranges") }}),

    ranges_read as (
        select
            company,
            confidence,
            cidr,
            {{ ipv4_number("split_part(cidr, '/', 1)") }} as address_number,
            cast(
                power(2, 32 - cast(split_part(cidr, '/', 2) as integer)) as bigint
            ) as address_count
        from ranges
    ),

    ranges_bounded as (
        select
            company,
            confidence,
            cidr,
            address_number - mod(address_number, address_count) as lower_bound,
            address_number
            - mod(address_number, address_count)
            + address_count
            - 1 as upper_bound
        from ranges_read
    ),

    addresses as (
        select client_address, {{ ipv4_number("client_address") }} as address_number
        from (select distinct client_address from requests) as addresses_seen
    ),

    -- Of nested ranges the narrowest tells most.
    addresses_ranked as (
        select
            addresses.client_address,
            ranges_bounded.company,
            ranges_bounded.confidence,
            ranges_bounded.cidr,
            row_number() over (
                partition by addresses.client_address
                order by
                    ranges_bounded.upper_bound - ranges_bounded.lower_bound,
                    ranges_bounded.confidence desc,
                    ranges_bounded.company
            ) as range_rank
        from addresses
        inner join
            ranges_bounded
            on addresses.address_number >= ranges_bounded.lower_bound
            and addresses.address_number <= ranges_bounded.upper_bound
    )

select
    requests.visitor_id,
    {{ company_identifier("addresses_ranked.company") }} as company_identifier,
    max(addresses_ranked.confidence) as confidence,
    min(addresses_ranked.cidr) as cidr,
    min(requests.occurred_at) as first_seen_at,
    max(requests.occurred_at) as last_seen_at,
    cast(count(*) as bigint) as request_count
from requests
inner join addresses_ranked on requests.client_address = addresses_ranked.client_address
where addresses_ranked.range_rank = 1
group by requests.visitor_id, {{ company_identifier("addresses_ranked.company") }}
