with

    form_passes as (select * from {{ ref("fct_form_passes") }}),

    person_campaigns as (select * from {{ ref("int_person_campaigns") }}),

    leads as (
        select
            form_passes.person_id,
            form_passes.passed_at as lead_at,
            form_passes.passed_on as lead_on,
            form_passes.passed_month as lead_month,
            form_passes.form_kind,
            form_passes.channel,
            person_campaigns.campaign_id
        from form_passes
        left join person_campaigns on form_passes.person_id = person_campaigns.person_id
        where form_passes.is_new_lead
    )

select *
from leads
