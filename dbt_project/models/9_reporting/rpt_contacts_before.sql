{#
  K17 and K18: how many times we had spoken before a deal was opened, and how many visits somebody paid before the first
  inquiry. Ten stands for ten and more.
#}
with

    efforts as (select * from {{ ref("fct_deal_efforts") }}),

    inquiry_paths as (select * from {{ ref("fct_inquiry_paths") }}),

    told as (
        select 'contacts_before_proposal' as what, style, contacts
        from efforts
        union all
        select 'sessions_before_inquiry', 'all', pre_inquiry_sessions
        from inquiry_paths
    )

select
    {{ surrogate_key(["what", "style", "least(contacts, 10)"]) }} as contacts_before_id,
    what,
    style,
    cast(least(contacts, 10) as bigint) as contacts,
    cast(count(*) as bigint) as deals
from told
group by what, style, least(contacts, 10)
