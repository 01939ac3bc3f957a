"""The table of errors: its figures on hand-made rows, its outputs, and what worlds of few troubles say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from judged_marts import AS_OF, write_marts, write_truth

from orchestration.errors.figures import AREAS, MEASURES, Figure, judge, worst_first
from orchestration.errors.table import as_json, as_markdown, shown_value
from orchestration.trouble import Trouble

# Counted by hand from the rows of judged_marts.py.
BY_HAND = {
    ("identity", "pair_precision", None): (1 / 3, 3),
    ("identity", "pair_recall", None): (1 / 4, 4),
    ("identity", "pair_recall", "homonym"): (0, 1),
    ("identity", "person_exact_share", None): (3 / 5, 5),
    ("identity", "cookie_time_precision", None): (2 / 3, 3),
    ("identity", "cookie_time_recall", None): (2 / 4, 4),
    ("identity", "cookie_time_recall", "shared_device"): (0, 1),
    ("identity", "cookie_time_recall", "kiosk"): (None, 0),
    ("machines", "web_precision", None): (2 / 3, 3),
    ("machines", "web_recall", None): (2 / 5, 5),
    ("machines", "web_recall", "named_crawler"): (2 / 4, 4),
    ("machines", "web_recall", "hidden_crawler"): (0, 1),
    ("machines", "web_humans_kept", None): (3 / 4, 4),
    ("machines", "mail_precision", None): (1 / 2, 2),
    ("machines", "mail_recall", "privacy_proxy"): (1, 1),
    ("companies", "pair_precision", None): (1 / 2, 2),
    ("companies", "pair_recall", None): (1 / 2, 2),
    ("companies", "pair_recall", "company_merged"): (0, 1),
    ("companies", "pair_precision", "free_mail"): (0, 1),
    ("departments", "category_accuracy", None): (1 / 2, 2),
    ("sessions", "exact_recall", None): (1 / 3, 3),
    ("sessions", "exact_precision", None): (1 / 2, 2),
    # X stands for Ai and for Ben: ranks of the total 4.5 4.5 3 2 1 against the hazard's 5 2 3.5 3.5 1
    ("scores", "rank_correlation_total_score_hazard_90d", None): (5 / 9.5, 5),
    # behaviour ties too: 4 4 4 1.5 1.5 against 5 2 3.5 3.5 1
    ("scores", "rank_correlation_behaviour_score_hazard_30d", None): (3.75 / (7.5 * 9.5) ** 0.5, 5),
    ("scores", "hazard_90d_hot", None): (0.3, 2),
    ("scores", "band_order", None): (1, 1),
    ("tiers", "accuracy_at_as_of", None): (1 / 2, 2),
    ("tiers", "accuracy_at_month_ends", None): (3 / 4, 4),
    ("tiers", "accuracy_at_worst_month_end", None): (1 / 2, 2),
    ("kpis", "visitors_error_mean", None): (0.05, 2),
    ("kpis", "visitors_error_worst", None): (0.1, 2),
    ("kpis", "form_passes_error_worst", None): (0.2, 2),
    ("kpis", "orders_error_worst", None): (0, 1),
    ("kpis", "leads_new_error_mean", None): (None, 0),
    ("routing", "right_owner_share", None): (1 / 3, 3),
    ("routing", "right_owner_share_of_asking", None): (1 / 2, 2),
    ("routing", "right_owner_share_of_ripe", None): (0, 1),
    ("routing", "due_and_routed_share", None): (2 / 3, 3),
    ("routing", "routed_and_due_share", None): (2 / 3, 3),
    ("consent", "violations", None): (1, 1),
    ("consent", "needless_withholding", None): (1, 1),
    ("consent", "status_accuracy", None): (1 / 3, 3),
}


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, str | None], Figure]:
    folder = tmp_path_factory.mktemp("judged")
    figures = judge(
        write_marts(folder / "warehouse.duckdb"),
        write_truth(folder / "truth"),
        as_of=AS_OF,
        planned=[("webhook_routed_leads", "X")],
    )
    return {(figure.area, figure.measure, figure.trouble): figure for figure in figures}


@pytest.mark.parametrize("key", BY_HAND, ids=lambda key: "-".join(map(str, key)))
def test_a_figure_is_what_a_person_counts(by_hand, key):
    value, n = BY_HAND[key]
    assert by_hand[key].n == n
    assert by_hand[key].value == (None if value is None else pytest.approx(value, abs=1e-12))


def test_the_table_has_every_measure_and_trouble_and_says_so_where_there_is_no_case(by_hand):
    declared = {(m.area, m.name, trouble) for m in MEASURES for trouble in (None, *m.troubles)}
    assert declared <= set(by_hand)
    absent = [figure for figure in by_hand.values() if not figure.n]
    assert absent and all(figure.value is None for figure in absent)


def test_each_measure_of_the_sql_is_declared_with_its_meaning_and_best_value(by_hand):
    declared = {(m.area, m.name) for m in MEASURES if m.meaning}
    assert {(area, measure) for area, measure, _ in by_hand} == declared


def test_the_worst_figures_come_first_and_figures_without_cases_last():
    figures = [
        Figure("identity", "pair_recall", None, 1.0, 9),
        Figure("identity", "pair_recall", "homonym", None, 0),
        Figure("kpis", "visitors_error_mean", None, 0.3, 12),
        Figure("scores", "hazard_90d_hot", None, 0.3, 5),
        Figure("consent", "violations", None, 2.0, 40),
        Figure("identity", "pair_precision", None, 0.9, 9),
    ]
    order = [(figure.measure, figure.trouble) for figure in worst_first(reversed(figures))]
    assert [measure for measure, _ in order[:3]] == ["violations", "visitors_error_mean", "pair_precision"]
    assert order[3:] == [("pair_recall", None), ("hazard_90d_hot", None), ("pair_recall", "homonym")]


def test_errors_json_is_a_flat_list_with_five_fields(by_hand):
    rows = json.loads(as_json(list(by_hand.values())))
    assert {tuple(row) for row in rows} == {("area", "measure", "trouble", "value", "n")}
    assert {row["area"] for row in rows} == set(AREAS)
    assert all(isinstance(row["n"], int) and (row["value"] is None) == (row["n"] == 0) for row in rows)


def test_markdown_never_shows_a_wrong_figure_as_faultless():
    assert shown_value(Figure("identity", "pair_recall", None, 0.999999, 10**6)) == "0.999999"
    assert shown_value(Figure("kpis", "visitors_error_mean", None, 0.00001, 12)) == "1e-05"
    assert shown_value(Figure("identity", "pair_recall", None, 1.0, 9)) == "1.0000"


def test_markdown_names_what_met_no_case(by_hand):
    text = as_markdown(list(by_hand.values()), {"people": 5, "seed": 1})
    assert "people 5, seed 1" in text
    assert text.index("Not exact, worst first") < text.index("## Exact") < text.index("## No case")
    assert "identity cookie_time_recall (kiosk)" in text


def test_truth_tables_that_a_world_lacks_make_figures_without_cases(tmp_path: Path):
    warehouse = write_marts(tmp_path / "warehouse.duckdb")
    truth = write_truth(tmp_path / "truth", "people", "identifiers")
    by_area: dict[str, set[int]] = {}
    for figure in judge(warehouse, truth, as_of=AS_OF):
        by_area.setdefault(figure.area, set()).add(figure.n)
    for area in ("sessions", "scores", "tiers", "kpis", "routing", "consent"):
        assert by_area[area] == {0}
    assert by_area["identity"] != {0}


def test_a_folder_without_truth_is_one_sentence(tmp_path: Path):
    warehouse = write_marts(tmp_path / "warehouse.duckdb")
    with pytest.raises(Trouble, match="holds no truth of a world"):
        judge(warehouse, tmp_path, as_of=AS_OF)
