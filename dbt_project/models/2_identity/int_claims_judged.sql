with claims as (select * from {{ ref("int_identity_claims") }}) select * from claims
