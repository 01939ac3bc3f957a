{#
  A log of nothing but scanners that fill in forms looks like a good month. Where most form passes came from machines,
  or from browsers that nobody saw reading, the run says so in a warning and the page of data health in a table.
#}
{{ config(severity="warn") }} select * from {{ ref("rpt_form_warnings") }}
