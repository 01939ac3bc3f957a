{{ config(materialized="connected_components", changes="change_number") }}

select left_node, right_node, is_live, change_number
from {{ ref("int_identity_edges") }}
