{#
  Visitors that are link scanners. Kept apart from the page views, which are rebuilt for the visitors with new
  lines only: a late mail event judges a visit that was loaded long ago.
#}
with

    mail_visits as (select * from {{ ref("mail_visits") }}),

    scanners as (
        select visitor_id, min(machine_rule_id) as machine_rule_id
        from mail_visits
        where machine_rule_id is not null
        group by visitor_id
    )

select *
from scanners
