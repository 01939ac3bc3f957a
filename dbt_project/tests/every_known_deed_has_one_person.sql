-- Spans of one visitor must not overlap: a deed that two spans claim would be counted
-- for two people.
with spans as (select * from {{ ref("visitor_spans") }})

select lefts.visitor_id, lefts.span_from, rights.span_from as overlapping_span_from
from spans as lefts
inner join
    spans as rights
    on lefts.visitor_id = rights.visitor_id
    and lefts.span_from < rights.span_from
    and lefts.span_to > rights.span_from
