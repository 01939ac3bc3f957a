{# What the KPIs are made of: counts and sums of each period, for the whole and for the members of each cut. #}
{%- set topics = [
    "generation",
    "presence",
    "nurture",
    "programme",
    "qualify",
    "manage",
    "lists",
    "money",
] %}
with

    amounts as (
        {%- for topic in topics %}
            select
                measure,
                cast(period as date) as period,
                segment_kind,
                segment_id,
                cast(amount as decimal(28, 9)) as amount
            from {{ ref("int_kpi_amounts_" ~ topic) }}
            where amount is not null and period is not null
            {% if not loop.last %}
                union all
            {% endif %}
        {%- endfor %}
    )

select
    {{ surrogate_key(["measure", "period", "segment_kind", "segment_id"]) }}
    as kpi_amount_id,
    *
from amounts
