-- Page views and mail reactions called machine: rightly (precision); true machines that
-- were called so (recall), also by their kind, which stands in the column of troubles.
with
    reactions as (
        select
            touches.is_machine as is_called_machine,
            truths.is_machine,
            truths.machine_kind
        from behaviour.fct_touches as touches
        inner join raw_email.events as events on touches.row_key = events.row_key
        inner join truth.email_events as truths on events.event_id = truths.sg_event_id
        where
            touches.source = 'email'
            and touches.touch_type in ('email_opened', 'email_clicked')
            and truths.is_machine is not null
    ),
    deeds as (
        select 'web' as medium, is_called_machine, is_machine, machine_kind from web_touches
        union all
        select 'mail', is_called_machine, is_machine, machine_kind from reactions
    ),
    cases as (
        select medium || '_precision' as measure, null as trouble, is_machine as is_right
        from deeds
        where is_called_machine
        union all
        select medium || '_recall', null, is_called_machine from deeds where is_machine
        union all
        select medium || '_recall', machine_kind, is_called_machine
        from deeds
        where is_machine and machine_kind is not null
        union all
        select medium || '_humans_kept', null, not is_called_machine from deeds where not is_machine
    )
select measure, trouble, avg(cast(is_right as integer)) as value, count(*) as n
from cases
group by measure, trouble
