{# Pages that no row of content_categories knows, by the people's views of them, with each month's share. #}
with

    touches as (
        select * from {{ ref("fct_touches") }} where source = 'web' and not is_machine
    ),

    views as (
        select
            {{ local_month("occurred_at") }} as month,
            detail as path,
            content_category,
            cast(count(*) as bigint) as page_views
        from touches
        group by {{ local_month("occurred_at") }}, detail, content_category
    ),

    months as (select month, sum(page_views) as page_views from views group by month)

select
    views.month,
    views.path,
    views.page_views,
    cast(months.page_views as bigint) as all_page_views,
    cast(views.page_views as double) / nullif(months.page_views, 0) as unmapped_share
from views
inner join months on views.month = months.month
where views.content_category = 'uncategorised'
