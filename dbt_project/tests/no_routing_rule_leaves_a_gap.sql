{#
  What fails: a gap, a tie, an overlap, a cycle or an unknown name in the routing rules, with an example.
  Why it matters: a lead that no rule takes, or that two units own, is found here before there is one. `ikusei routing
  check` says each in a sentence.
#}
select *
from {{ ref("routing_findings") }}
where is_fault and finding_kind <> 'unreachable'
