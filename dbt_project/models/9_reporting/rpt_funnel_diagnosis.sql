{# K27: the rules of the diagnosis, the ones that hold first, each with its text. #}
select * from {{ ref("fct_funnel_diagnosis") }}
