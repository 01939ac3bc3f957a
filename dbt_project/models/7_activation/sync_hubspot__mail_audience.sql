with mail_audience as (select * from {{ ref("sync_files__mail_audience") }})

select *
from mail_audience
