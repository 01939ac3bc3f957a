{#
  What fails: a hand-over that used up all the moves that fct_handoff_transitions walks, or that stands in a state whose
  deadline is over.
  Why it matters: the models walk a fixed number of moves, since both engines lack a recursion to trust. One that is not
  walked to its end would look as if it waited, and nobody would be told.
#}
with

    moves as (select * from {{ ref("fct_handoff_transitions") }}),

    handoffs as (select * from {{ ref("fct_handoffs") }}),

    unfinished as (
        select route_id, 'all moves used' as trouble
        from moves
        where step >= {{ handoff_moves() }}
        union all
        select route_id, 'deadline over' as trouble
        from handoffs
        where due_at < {{ as_of_end() }}
    )

select *
from unfinished
