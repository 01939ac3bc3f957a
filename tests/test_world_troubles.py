"""Each trouble of the invented world alone: switched off it leaves no label, and nothing else moves."""

import gzip
import json
import re
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingestion.world import clock, make, read_settings, spill
from ingestion.world.companies import corporate_number

# So often that each trouble happens in a world of a hundred people and a quarter of a year.
RATES = {
    "shared_device": 0.3, "kiosk": 0.3, "several_devices": 0.5, "cookie_refused": 0.1, "forwarded_mail": 0.6,
    "mistyped_address": 0.2, "shared_mailbox": 0.1, "free_mail": 0.2, "dead_address": 0.1,
    "link_scanner": 0.3, "unsubscribe_under_pressure": 0.5, "job_change": 0.3, "homonym": 0.2,
    "company_renamed": 0.3, "company_merged": 0.2, "department_variants": 0.3, "missing_address": 0.3,
    "card_twice": 0.2, "hidden_crawler": 0.1, "named_crawler": 1, "own_staff": 1, "jobseeker": 0.05,
    "vendor": 0.05, "sla_breach": 0.3, "wrong_owner": 0.3, "returned_lead": 0.6, "silent_reps": 0.3,
    "waiting_reps": 0.6,
    "applied_not_attended": 0.5, "torn_file": 0.3, "wrong_encoding": 0,
}  # fmt: skip
SETTINGS = {
    "population": {"anonymous_per_person": 1, "cookie_life_days": 20, "staff_form_tests": 0.2},
    "mail": {"human_open": 0.6, "human_click_of_opened": 0.5},
}
DEEDS = ("opportunities", "orders", "routes", "tiers", "hazards")

# Whose deeds truly change: who gets no mail cannot click, and job-seekers and vendors are gone.
MOVES_DEEDS = {
    "forwarded_mail", "mistyped_address", "unsubscribe_under_pressure", "missing_address", "dead_address",
    "jobseeker", "vendor", "job_change", "applied_not_attended", "shared_mailbox", "free_mail",
}  # fmt: skip
# What moves neither a request nor a mail: spellings, devices, sales and files.
MOVES_NO_TRAFFIC = {
    "cookie_refused", "cookie_deleted", "several_devices", "shared_device", "kiosk", "old_kanji",
    "width_variants", "phone_variants", "company_spelling", "company_renamed", "company_merged",
    "department_variants", "card_twice", "sla_breach", "wrong_owner", "returned_lead", "silent_reps",
    "waiting_reps",
    "applied_not_attended", "late_file", "repeated_file", "torn_file",
}  # fmt: skip
BESIDE = {"jobseeker", "vendor", "own_staff"}


def small(out, people=100, days=95, **rates):
    make(out, people=people, days=days, settings={**SETTINGS, "troubles": {**RATES, **rates}})
    return {path.stem: pq.read_table(path) for path in sorted((out / "truth").glob("*.parquet"))}


def labels(tables):
    found = {label for table in tables.values() if "trouble" in table.column_names
             for label in table["trouble"].to_pylist()}  # fmt: skip
    return found | {label for some in tables["people"]["troubles"].to_pylist() for label in some or []}


@pytest.fixture(scope="module")
def troubled(tmp_path_factory):
    return small(tmp_path_factory.mktemp("troubled"))


@pytest.fixture(scope="module")
def calm_folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("calm")
    make(out, people=200, days=120, settings={"troubles": "off", "population": {"anonymous_per_person": 4}})
    return out


@pytest.fixture(scope="module")
def calm(calm_folder):
    return {path.stem: pq.read_table(path) for path in sorted((calm_folder / "truth").glob("*.parquet"))}


@pytest.mark.parametrize("trouble", sorted(set(read_settings()["troubles"]) - {"wrong_encoding"}))
def test_a_trouble_switched_off_leaves_no_label_and_the_rest_as_it_was(trouble, troubled, tmp_path):
    without = small(tmp_path, **{trouble: 0})
    assert trouble in labels(troubled)
    assert trouble not in labels(without)
    same = DEEDS[:3] if trouble in MOVES_DEEDS else DEEDS
    assert [name for name in same if not troubled[name].equals(without[name])] == []
    if trouble in MOVES_NO_TRAFFIC:
        counts = [(name, troubled[name].num_rows, without[name].num_rows) for name in
                  ("requests", "email_events", "consents", "people", "companies")]  # fmt: skip
        assert [count for count in counts if count[1] != count[2]] == []
    keys = set(troubled["people"]["person_key"].to_pylist())
    gone = keys - set(without["people"]["person_key"].to_pylist())
    assert bool(gone) == (trouble in BESIDE)
    assert set(without["people"]["person_key"].to_pylist()) <= keys


def test_a_list_in_the_wrong_encoding_is_labelled_and_changes_nothing_else(troubled, tmp_path):
    wrong = small(tmp_path, wrong_encoding=1)
    assert "wrong_encoding" in labels(wrong)
    files = {row["path"] for row in wrong["files"].to_pylist() if row["trouble"] == "wrong_encoding"}
    assert files
    for path in files:
        content = (tmp_path / "landing" / path).read_bytes()
        utf16 = content.startswith(b"\xff\xfe")
        assert "会社名" in content.decode("utf-16" if utf16 else "euc_jp")
    others = [name for name in troubled if name not in {"files", "identifiers"}]
    assert [name for name in others if not troubled[name].equals(wrong[name])] == []


def test_a_torn_file_lacks_the_end_of_its_last_line_only(tmp_path):
    tables = small(tmp_path, torn_file=1, late_file=0, repeated_file=0)
    torn = [row["path"] for row in tables["files"].to_pylist() if row["trouble"] == "torn_file"]
    assert {path.split("/")[0] for path in torn} == {"web", "forms", "email"}
    lost = {row["source_file"]: row["line"] for row in tables["requests"].to_pylist()
            if row["trouble"] == "torn_file"}  # fmt: skip
    for path in torn:
        content = (tmp_path / "landing" / path).read_bytes()
        lines = (gzip.decompress(content) if path.endswith(".gz") else content).decode().split("\n")
        assert lines[-1]
        if path in lost:
            assert lost[path].startswith(lines[-1]) and lines[-1] != lost[path]
        else:
            with pytest.raises(json.JSONDecodeError):
                json.loads(lines[-1])
            assert all(json.loads(line) for line in lines[:-1])


def test_the_truth_covers_every_line_and_event_of_a_troubled_world(tmp_path):
    tables = small(tmp_path)
    requests, events = tables["requests"].to_pylist(), tables["email_events"].to_pylist()
    lines, ids = set(), set()
    for path in sorted((tmp_path / "landing/web/www").iterdir()):
        content = path.read_bytes()
        lines |= set((gzip.decompress(content) if path.suffix == ".gz" else content).decode().splitlines())
    whole = {row["line"] for row in requests if row["trouble"] != "torn_file"}
    cut = [row["line"] for row in requests if row["trouble"] == "torn_file"]
    assert whole <= lines
    assert all(any(line.startswith(rest) for line in cut) for rest in lines - whole)
    for path in (tmp_path / "landing/email").rglob("*.json*"):
        ids |= set(re.findall(r'"sg_event_id": "([0-9a-f]+)"', path.read_text(encoding="utf-8")))
    assert ids == {row["sg_event_id"] for row in events}


def test_a_calm_world_has_no_trouble_at_all(calm):
    assert labels(calm) == {None}
    assert set(calm["requests"]["is_machine"].to_pylist()) == {False}
    assert set(calm["requests"]["machine_kind"].to_pylist()) == {None}
    assert True not in calm["email_events"]["is_machine"].to_pylist()
    assert set(calm["people"]["kind"].to_pylist()) == {"prospect", "consumer"}


def test_a_calm_world_has_no_ambiguous_identifier(calm):
    holders, held = defaultdict(set), defaultdict(set)
    for row in calm["identifiers"].to_pylist():
        if row["person_key"]:
            holders[row["kind"], row["value"]].add(row["person_key"])
            held[row["person_key"], row["kind"]].add(row["value"])
            assert row["kind"] != "cookie" or row["is_tied"], row
    single = [kind for kind in holders if kind[0] != "phone"]  # colleagues share a switchboard
    assert single and all(len(holders[kind]) == 1 for kind in single)
    assert all(len(values) == 1 for (_, kind), values in held.items() if kind in {"cookie", "email", "phone"})
    assert all(visitor for visitor in calm["requests"]["visitor_id"].to_pylist())


def test_in_a_calm_world_names_are_distinct_and_written_in_one_way(calm):
    people = Counter((row["company_key"], row["name"]) for row in calm["people"].to_pylist())
    assert max(people.values()) == 1
    spellings = [row["company_key"] for row in calm["company_spellings"].to_pylist()]
    assert len(set(spellings)) == len(spellings)
    bases = calm["companies"]["base_name"].to_pylist()
    assert len(set(bases)) == len(bases)
    assert all(row["department"] == row["official"] for row in calm["departments"].to_pylist())


def test_in_a_calm_world_only_the_addressee_acts_on_a_mail(calm):
    actors = [(row["person_key"], row["actor_key"]) for row in calm["email_events"].to_pylist()]
    assert any(actor for _, actor in actors)
    assert all(actor in (None, person) for person, actor in actors)


def test_a_calm_world_has_its_heroine_with_her_deal_and_her_owner(calm, calm_folder):
    story = json.loads((calm_folder / "truth/world.json").read_text(encoding="utf-8"))["heroine"]
    assert story["name"] == "佐藤 美咲"
    assert story["right_owner"] == "prod-analytics"
    climbs = [row["tier"] for row in calm["tiers"].to_pylist() if row["person_key"] == story["person_key"]]
    assert climbs[:3] == ["latent", "apparent", "prospect"]


PAGE = re.compile(r'\[(?P<time>[^\]]+)\] "GET (?P<path>\S+) HTTP/1.1" (?P<status>\d{3}) ')


def test_the_visits_of_the_truth_are_the_pages_with_breaks_of_half_an_hour(calm):
    pages = defaultdict(list)
    for row in calm["requests"].to_pylist():
        match = PAGE.search(row["line"])
        if match and match["status"] < "400" and not match["path"].startswith("/assets/"):
            pages[row["visitor_id"]].append(row["occurred_at"])
    expected = Counter()
    for visitor, moments in pages.items():
        moments.sort()
        starts = [moment for before, moment in zip([datetime.min, *moments], moments, strict=False)
                  if moment - before > timedelta(minutes=30)]  # fmt: skip
        for start in starts:
            expected[visitor, start] += 1
    found = {
        (row["visitor_id"], row["started_at"]): row["page_views"] for row in calm["sessions"].to_pylist()
    }
    assert found.keys() == expected.keys()
    assert sum(found.values()) == sum(map(len, pages.values()))


def test_the_visitors_of_a_month_are_the_browsers_of_its_visits(calm):
    browsers = defaultdict(set)
    for row in calm["sessions"].to_pylist():
        browsers[(row["started_at"] + timedelta(hours=9)).date().replace(day=1)].add(row["visitor_id"])
    kpis = {row["month"]: row["value"] for row in calm["kpis"].to_pylist() if row["kpi"] == "visitors"}
    assert kpis == {month: len(some) for month, some in browsers.items()}


def test_tiers_only_climb_and_join_without_a_gap(troubled):
    order = ["latent", "apparent", "prospect", "existing", "loyal"]
    periods = defaultdict(list)
    for row in troubled["tiers"].to_pylist():
        periods[row["person_key"]].append(row)
    assert {row["tier"] for rows in periods.values() for row in rows} >= set(order[:4])
    for rows in periods.values():
        assert rows[-1]["valid_to"] is None
        for before, after in pairwise(rows):
            assert before["valid_to"] == after["valid_from"]
            assert order.index(before["tier"]) < order.index(after["tier"])


def test_a_consent_ends_where_the_next_word_begins(troubled):
    held = defaultdict(list)
    for row in troubled["consents"].to_pylist():
        held[row["person_key"], row["email"], row["channel"]].append(row)
    assert any(row["basis"] == "unsubscribe" for rows in held.values() for row in rows)
    for rows in held.values():
        assert [row["valid_to"] for row in rows] == [*(row["valid_from"] for row in rows[1:]), None]


def test_every_answer_names_a_person_of_the_world(troubled):
    people = set(troubled["people"]["person_key"].to_pylist())
    for name, table in troubled.items():
        if "person_key" in table.column_names and name not in {"requests", "sessions", "identifiers"}:
            assert set(table["person_key"].to_pylist()) <= people, name
    companies = set(troubled["companies"]["company_key"].to_pylist())
    assert set(troubled["companies"]["merged_into"].to_pylist()) - {None} <= companies


def test_hazards_say_as_many_deals_as_come(tmp_path):
    settings = {"troubles": "off", "population": {"anonymous_per_person": 0}}
    make(tmp_path, people=500, days=330, settings=settings)
    deals = {row["person_key"]: row["created_at"]
             for row in pq.read_table(tmp_path / "truth/opportunities.parquet").to_pylist()}  # fmt: skip
    expected, spread, came = 0.0, 0.0, 0
    for row in pq.read_table(tmp_path / "truth/hazards.parquet").to_pylist():
        end = datetime(row["month"].year + row["month"].month // 12, row["month"].month % 12 + 1, 1)
        end -= timedelta(hours=9)
        if end < datetime(2026, 10, 1):
            expected += row["hazard_30d"]
            spread += row["hazard_30d"] * (1 - row["hazard_30d"])
            came += end <= deals.get(row["person_key"], datetime.min) < end + timedelta(days=30)
    assert expected > 10
    assert abs(came - expected) < 3 * spread**0.5 + 1


def test_what_does_not_fit_in_memory_comes_back_from_disk_unchanged(tmp_path, monkeypatch):
    make(tmp_path / "held", people=40, days=40)
    monkeypatch.setattr(spill, "_AT_ONCE", 300)
    make(tmp_path / "spilled", people=40, days=40)
    assert contents(tmp_path / "held") == contents(tmp_path / "spilled")


def contents(folder: Path):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_growth_as_in_the_article_is_one_word():
    growth = read_settings({"growth": "article"})["growth"]
    assert (growth["visitors"], growth["leads"]) == (10, 40)
    assert growth["opportunity_rate"] == [0.2, 0.1]
    calendar = clock.Calendar(date(2026, 10, 6), 365)  # both ends are Tuesdays of early October
    weights = calendar.weights(growth["visitors"], 0.45)
    assert weights[-1] / weights[0] == pytest.approx(10, rel=0.03)


def test_troubles_off_in_yaml_switches_all_of_them_off(tmp_path):
    (tmp_path / "calm.yml").write_text("troubles: off\n")
    assert set(read_settings(tmp_path / "calm.yml")["troubles"].values()) == {0}


def test_the_holidays_of_2026_are_those_of_the_law():
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    assert [f"{day:%m-%d}" for day in days if clock.is_holiday(day)] == [
        "01-01", "01-12", "02-11", "02-23", "03-20", "04-29", "05-03", "05-04", "05-05", "05-06", "07-20",
        "08-11", "09-21", "09-22", "09-23", "10-12", "11-03", "11-23",
    ]  # fmt: skip


def test_corporate_numbers_carry_the_tax_agencys_check_digit(troubled):
    assert corporate_number("000012050002") == "7000012050002"  # the agency's own
    for number in troubled["companies"]["corporate_number"].to_pylist():
        assert len(number) == 13 and corporate_number(number[1:]) == number
