"""What becomes of each scored pair: joined, queued for a person, or rejected by one.

int_match_scores + int_match_profiles + what people decided on links  ->  one row per pair in the end

Best pair first, which no set-wise SQL says briefly; the rows are few. Loads no Splink.
"""


def model(dbt, session):
    dbt.config(materialized="table")
    from orchestration.matching.model import MatchingModel
    from orchestration.matching.outcomes import outcomes
    from orchestration.matching.scores import model_file

    return outcomes(
        dbt.ref("int_match_scores").to_arrow_table(),
        dbt.ref("int_match_profiles").select("profile_key, exact_person").to_arrow_table(),
        dbt.ref("int_match_domains").to_arrow_table(),
        dbt.ref("int_match_decisions").to_arrow_table(),
        MatchingModel.read(model_file()),
    )
