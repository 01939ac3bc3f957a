"""Mends: settings that change, rejected lines of files that are gone, a story each."""

from landed_files import assert_accounted, everything, land, query, run

from ingestion import outdated

CARDS = "氏名,メアド,会社名\n山田 太郎,taro@example.co.jp,株式会社テスト\n"
CARDS += "佐藤 花子,hanako@example.co.jp,株式会社実験\n"
MAPPING = "columns: {メアド: email}\n"


def addresses(home) -> list[str]:
    return [email for (email,) in query(home, "select email from raw_lists.rows order by email nulls first")]


def test_a_mapping_that_comes_later_replaces_the_rows_it_concerns(tmp_path):
    land(tmp_path, "lists/expo/cards.csv", CARDS)
    land(tmp_path, "lists/other/cards.csv", CARDS.replace("taro", "jiro"))
    run(tmp_path)
    assert addresses(tmp_path) == [None] * 4
    land(tmp_path, "lists/expo/columns.yml", MAPPING)
    report = run(tmp_path)
    assert [file.path for file in report.files] == ["lists/expo/cards.csv"]
    assert addresses(tmp_path) == [None, None, "hanako@example.co.jp", "taro@example.co.jp"]
    assert_accounted(tmp_path)
    assert run(tmp_path).files == []
    told = query(tmp_path, "select path, rows_taken, cause from raw_intake.taken_back")
    assert told == [("lists/expo/cards.csv", 2, "its settings were changed")]


def test_the_rows_are_those_of_a_home_that_had_the_mapping_from_the_start(tmp_path):
    late, early = tmp_path / "late", tmp_path / "early"
    files = {"a.csv": CARDS, "b.csv": CARDS + "鈴木 一,hajime@example.co.jp,株式会社例\n"}
    for home in (late, early):
        for name, text in files.items():
            land(home, f"lists/expo/{name}", text)
    run(late)
    for home in (late, early):
        land(home, "lists/expo/columns.yml", MAPPING)
    for _ in range(2):  # the second run reads what the two files have in common once more
        run(late)
    run(early)
    assert everything(late) == everything(early)
    assert run(late).files == []
    assert_accounted(late)


def test_a_mapping_that_cannot_be_read_takes_nothing_away(tmp_path):
    land(tmp_path, "lists/expo/cards.csv", CARDS)
    run(tmp_path)
    land(tmp_path, "lists/expo/columns.yml", "columns: [\n")
    for _ in range(2):
        report = run(tmp_path)
        assert "columns.yml line 2 is not YAML" in report.troubles[0]
        assert len(addresses(tmp_path)) == 2
    land(tmp_path, "lists/expo/columns.yml", MAPPING)
    assert run(tmp_path).troubles == []
    assert addresses(tmp_path) == ["hanako@example.co.jp", "taro@example.co.jp"]


def test_a_log_format_that_was_corrected_reads_the_log_anew(tmp_path):
    line = '10.0.0.1 - - [10/May/2026:10:00:00 +0900] "GET /price/ HTTP/1.1" 200 12 "-" "Mozilla/5.0" "v77"\n'
    land(tmp_path, "web/www/access.log", line)
    land(tmp_path, "web/www/format.yml", "trusted_proxies: []\n")
    run(tmp_path)
    before = query(tmp_path, "select visitor_id, path from raw_web.requests")
    land(tmp_path, "web/www/format.yml", "trusted_proxies: [10.0.0.0/8]\n")
    report = run(tmp_path)
    assert report.rows_read == 1
    assert query(tmp_path, "select visitor_id, path from raw_web.requests") == before
    assert_accounted(tmp_path)


def test_rejected_rows_of_a_file_that_is_gone_are_tried_again_from_what_was_kept(tmp_path):
    """A cost without an amount; the file is thrown away, then columns.yml says where the amount stands."""
    text = "campaign_id,cost_on,memo\nexpo,2026-05-01,500\nads,2026-05-02,700\n"
    file = land(tmp_path, "costs/agency/2026.csv", text)
    land(tmp_path, "costs/agency/columns.yml", "every_row: {amount_jpy: x}\n")
    run(tmp_path)
    assert query(tmp_path, "select count(*) from raw_intake.rejects") == [(2,)]
    file.unlink()
    assert run(tmp_path, retry_rejects=True).rows_loaded == 0
    assert query(tmp_path, "select count(*) from raw_intake.rejects") == [(2,)]
    land(tmp_path, "costs/agency/columns.yml", "columns: {memo: amount_jpy}\n")
    assert run(tmp_path, retry_rejects=True).rows_loaded == 2
    rows = query(tmp_path, "select campaign_id, amount_jpy, source_file, line_number from raw_costs.entries")
    assert sorted(rows) == [
        ("ads", 700, "costs/agency/2026.csv", 3),
        ("expo", 500, "costs/agency/2026.csv", 2),
    ]
    assert query(tmp_path, "select count(*) from raw_intake.rejects") == [(0,)]
    assert_accounted(tmp_path)
    land(tmp_path, "costs/agency/2026.csv", text)  # and if the file comes back, nothing is doubled
    run(tmp_path)
    assert len(query(tmp_path, "select * from raw_costs.entries")) == 2
    assert_accounted(tmp_path)


def test_lines_that_stay_bad_stay_kept(tmp_path):
    good = '10.0.0.1 - - [10/May/2026:10:00:00 +0900] "GET / HTTP/1.1" 200 1 "-" "Mozilla/5.0"\n'
    file = land(tmp_path, "web/www/access.log", good * 2 + "torn [\n" + good + "torn too\n")
    run(tmp_path)
    kept = query(tmp_path, "select line_number, text from raw_intake.rejects order by 1")
    file.unlink()
    run(tmp_path, retry_rejects=True)
    assert query(tmp_path, "select line_number, text from raw_intake.rejects order by 1") == kept
    assert_accounted(tmp_path)


def test_status_names_rows_of_gone_files_that_were_read_under_other_settings(tmp_path):
    cards = land(tmp_path, "lists/expo/cards.csv", CARDS)
    run(tmp_path)
    warehouse, landing = tmp_path / "warehouse.duckdb", tmp_path / "landing"
    cards.unlink()
    assert outdated(warehouse, landing) == []
    land(tmp_path, "lists/expo/columns.yml", MAPPING)
    [told] = outdated(warehouse, landing)
    assert told.startswith("lists: 2 rows of lists/expo/cards.csv were read under settings")
    assert "put them back" in told
    land(tmp_path, "lists/expo/cards.csv", CARDS)
    run(tmp_path)
    assert outdated(warehouse, landing) == []
    assert addresses(tmp_path) == ["hanako@example.co.jp", "taro@example.co.jp"]
