-- The history is worked out from stretches of days, today's scores from what is true
-- today: where the two ways
-- part, a curve would not end in the score that stands beside it, and the back-test
-- would judge other scores than
-- those that people see.
select
    scores.person_id, scores.total_score, history.total_score as total_score_in_history
from {{ ref("fct_lead_scores") }} as scores
left join
    {{ ref("fct_score_history") }} as history
    on scores.person_id = history.person_id
    and scores.as_of = history.scored_on
where
    history.person_id is null
    or history.fit_score <> scores.fit_score
    or history.behaviour_score <> scores.behaviour_score
