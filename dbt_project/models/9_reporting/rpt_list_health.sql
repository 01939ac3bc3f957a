{# SG19, I03: each list, how much of it can be used, and what it brought. #}
select
    list_name,
    min(collected_on) as collected_on,
    cast(count(*) as bigint) as people,
    cast(count(*) filter (where is_reachable) as bigint) as reachable,
    cast(count(*) filter (where is_consented) as bigint) as consented,
    cast(count(*) filter (where is_fresh) as bigint) as fresh,
    cast(count(*) filter (where is_usable) as bigint) as usable,
    cast(count(*) filter (where is_seen_online) as bigint) as seen_online,
    cast(count(*) filter (where is_scored) as bigint) as scored,
    cast(count(*) filter (where has_opportunity) as bigint) as with_opportunity,
    cast(count(*) filter (where has_order) as bigint) as with_order
from {{ ref("fct_list_people") }}
group by list_name
