with

    routes as (select * from {{ ref("fct_lead_routes") }}),

    handoffs as (select * from {{ ref("fct_handoffs") }}),

    routing_rules as (select * from {{ ref("routing_rules") }}),

    interests as (select * from {{ ref("fct_lead_interests") }}),

    touches as (select * from {{ ref("fct_touches") }}),

    touch_types as (select * from {{ ref("touch_types") }}),

    advice as (select * from {{ ref("int_approach_advice") }}),

    advice_listed as (
        select
            person_id,
            max(case when part = 'bottleneck' then text_ja end) as bottleneck,
            nullif(
                {{ text_list("case when part = 'do' then text_ja end", "、", "place") }},
                ''
            ) as to_do,
            nullif(
                {{
                    text_list(
                        "case when part = 'dont' then text_ja end", "、", "place"
                    )
                }},
                ''
            ) as not_to_do
        from advice
        group by person_id
    ),

    touches_ranked as (
        select
            routes.person_id,
            cast({{ local_date("touches.occurred_at") }} as {{ dbt.type_string() }})
            || ' '
            || touch_types.name_ja
            || coalesce(
                -- a search term or a subject can be a page long, and a field is not
                ' (' || substr(touches.detail, 1, 80) || ')', ''
            ) as deed,
            row_number() over (
                partition by routes.person_id
                order by touches.occurred_at desc, touches.touch_id
            ) as newest_first
        from routes
        inner join touches on routes.person_id = touches.person_id
        inner join touch_types on touches.touch_type = touch_types.touch_type
        where not touches.is_machine
    ),

    touches_listed as (
        select person_id, {{ text_list("deed", " / ", "newest_first") }} as last_touches
        from touches_ranked
        where newest_first <= 5
        group by person_id
    ),

    notes as (
        select
            routes.person_id,
            coalesce(interests.interest_id, routes.product_id) as top_product,
            '関心: '
            || coalesce(interests.interest_id, routes.product_id, '未詳')
            || ' | 直近: '
            || coalesce(touches_listed.last_touches, 'なし')
            || coalesce(' | ネック: ' || advice_listed.bottleneck, '')
            || coalesce(' | すること: ' || advice_listed.to_do, '')
            || coalesce(' | 避けること: ' || advice_listed.not_to_do, '')
            || ' | 担当理由: '
            || routing_rules.name_ja
            || coalesce(' (判断: ' || routing_rules.decider || ')', '')
            -- the permission that the specialist in the story waited for (RT13)
            || case
                when routes.informed_unit_ids is not null
                then
                    ' | 連絡の許可: ' || substr(
                        cast(
                            {{ local_timestamp("handoffs.may_act_from") }}
                            as {{ dbt.type_string() }}
                        ),
                        1,
                        16
                    )
                    || ' までに異議がなければ同意とみなし、担当部門が連絡する'
                else ''
            end as approach_note
        from routes
        inner join handoffs on routes.route_id = handoffs.route_id
        inner join routing_rules on routes.rule_id = routing_rules.rule_id
        left join
            interests
            on routes.person_id = interests.person_id
            and interests.interest_kind = 'product'
            and interests.interest_rank = 1
        left join touches_listed on routes.person_id = touches_listed.person_id
        left join advice_listed on routes.person_id = advice_listed.person_id
    )

select *
from notes
