{#
  CH01 to CH09: how mature the programme is, judged from what was sent and not asked. Stage 1 (drip): one channel, one
  text for all. Stage 2 (multi-channel): a tenth of the people reached in 90 days by two channels or more. Stage 3
  (data-driven): what is sent depends on who gets it, by the information (in bits) that the content of a send holds about
  the tier or the industry of its recipient, beyond what chance alone would show in a thousand months.
  The article names no later stages.
#}
with

    sends as (select * from {{ ref("fct_sends") }}),

    months as (
        select
            sent_month as month, count(*) as sends, count(distinct person_id) as people
        from sends
        where person_id is not null
        group by sent_month
    ),

    -- the largest share of one text in each campaign, weighed by its sends
    texts as (
        select sent_month as month, campaign_id, content_id, count(*) as sends
        from sends
        where person_id is not null
        group by sent_month, campaign_id, content_id
    ),

    campaigns as (
        select month, campaign_id, max(sends) as of_largest_text
        from texts
        group by month, campaign_id
    ),

    identical as (
        select month, sum(of_largest_text) as identical_sends
        from campaigns
        group by month
    ),

    channels_of_people as (
        select months.month, sends.person_id, count(distinct sends.channel) as channels
        from months
        inner join
            sends
            on sends.sent_month <= months.month
            and sends.sent_month > {{ dbt.dateadd("month", -3, "months.month") }}
        where sends.person_id is not null
        group by months.month, sends.person_id
    ),

    channels as (
        select
            month,
            count(*) as people_90d,
            sum(channels) as person_channels,
            count(*) filter (where channels >= 2) as people_two_channels
        from channels_of_people
        group by month
    ),

    {%- set attributes = ["tier", "industry"] %}
    tables_of_two as (
        {%- for attribute in attributes %}
            select
                sent_month as month,
                '{{ attribute }}' as attribute,
                {{ attribute }} as segment,
                content_id,
                cast(count(*) as double) as sends
            from sends
            where person_id is not null and {{ attribute }} is not null
            group by sent_month, {{ attribute }}, content_id
            {% if not loop.last %}
                union all
            {% endif %}
        {%- endfor %}
    ),

    tables_summed as (
        select
            *,
            sum(sends) over (partition by month, attribute) as all_sends,
            sum(sends) over (partition by month, attribute, segment) as of_segment,
            sum(sends) over (partition by month, attribute, content_id) as of_content
        from tables_of_two
    ),

    information as (
        select
            month,
            attribute,
            max(all_sends) as sends,
            (count(distinct segment) - 1)
            * (count(distinct content_id) - 1) as degrees_of_freedom,
            cast(
                sum(
                    cast(
                        sends
                        / all_sends
                        * ln(sends * all_sends / of_segment / of_content)
                        / ln(2) as decimal(24, 12)
                    )
                ) as double
            ) as bits
        from tables_summed
        group by month, attribute
    ),

    -- chi square at one in a thousand after Wilson and Hilferty (1931): 2 N ln 2 times
    -- the bits is nearly so distributed where content and segment are independent
    judged as (
        select
            month,
            max(bits) as information_bits,
            max(
                case
                    when
                        degrees_of_freedom > 0
                        and bits >= 0.02
                        and 2 * sends * ln(2) * bits
                        > degrees_of_freedom
                        * power(
                            1
                            - 2 / (9.0 * degrees_of_freedom)
                            + 3.0902 * sqrt(2 / (9.0 * degrees_of_freedom)),
                            3
                        )
                    then 1
                    else 0
                end
            )
            = 1 as depends_on_data
        from information
        group by month
    )

select
    months.month,
    cast(months.sends as bigint) as sends,
    cast(months.people as bigint) as people,
    cast(identical.identical_sends as bigint) as identical_sends,
    cast(channels.people_90d as bigint) as people_90d,
    cast(channels.person_channels as bigint) as person_channels,
    cast(channels.people_two_channels as bigint) as people_two_channels,
    coalesce(judged.information_bits, 0.0) as information_bits,
    coalesce(judged.depends_on_data, false) as depends_on_data,
    cast(
        case
            when coalesce(judged.depends_on_data, false)
            then 3
            when channels.people_two_channels >= 0.1 * channels.people_90d
            then 2
            else 1
        end as integer
    ) as stage
from months
inner join identical on months.month = identical.month
inner join channels on months.month = channels.month
left join judged on months.month = judged.month
