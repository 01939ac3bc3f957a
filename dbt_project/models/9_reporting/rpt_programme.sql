{# How mature the programme is, month by month, with the figures that say so (CH01 to CH09). #}
select
    month,
    stage,
    sends,
    people,
    cast(person_channels as double) / nullif(people_90d, 0) as channels_per_person,
    cast(people_two_channels as double) / nullif(people_90d, 0) as two_channel_share,
    cast(identical_sends as double) / nullif(sends, 0) as identical_content_share,
    depends_on_data,
    information_bits
from {{ ref("fct_program_months") }}
