{# From one unit of counting to the next, as fct_funnel_bridges has it. #}
select * from {{ ref("fct_funnel_bridges") }}
