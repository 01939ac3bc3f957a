"""Mail, phones, companies, corporate numbers and places come to one spelling, by real cases with answers."""

import csv
import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from landed_files import shared

from ingestion import normalise
from ingestion.normalise import SPELLINGS, company_key, company_legal_name, corporate_number, email, phone

# Where a number differs from the answer of the IMI tools, and why; everything else has to agree.
IMI_DIFFERENCES = {
    "半角記号": ("+81352532111", "IMI leaves a number with a country code as it came; it is 03-5253-2111"),
    "全角記号": ("+81352532111", "the same in full width"),
    "市内局番指定": (None, "a number within a town: nobody knows which town"),
    "緊急系電話番号": (None, "110 is nobody's number"),
    "中継電話番号": (None, "001 is a carrier's prefix"),
}


def imi_phone_cases() -> list[tuple[str, str, dict]]:
    cases = []
    for file in sorted(shared("jp_imi_phone/001-io.json").parent.glob("0*.json")):
        for case in json.loads(file.read_text()):
            given_, expected = (
                part[0] if isinstance(part, list) else part for part in (case["input"], case["output"])
            )
            has_own = isinstance(given_, dict) and "内線番号" in given_
            text = given_["電話番号"] if isinstance(given_, dict) else given_
            cases.append((case["name"], text, {"has_own": has_own, **expected}))
    return cases


def test_phones_are_read_as_the_imi_tools_read_them_or_the_difference_is_named():
    cases = imi_phone_cases()
    assert len(cases) == 37
    for name, text, expected in cases:
        number, extension = normalise.phone_and_extension(text)
        if name in IMI_DIFFERENCES:
            assert number == IMI_DIFFERENCES[name][0], name
            continue
        digits = re.sub(r"\D", "", unicodedata.normalize("NFKC", expected["電話番号"]))
        assert number == "+81" + digits[1:], name
        if not expected["has_own"]:
            assert extension == expected.get("内線番号"), name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TEL:03(1234)5678 内線12", ("+81312345678", "12")),
        ("+81(0)3-1234-5678", ("+81312345678", None)),
        ("03-1234-5678 ext. 45", ("+81312345678", "45")),
        ("03-1234-5678／090-1111-2222", ("+81312345678", None)),
        ("03-1234-5678 03-1234-5679", ("+81312345678", None)),
        ("０９０ー１２３４ー５６７８", ("+819012345678", None)),
        ("+44 20 7946 0958", ("+442079460958", None)),
        ("312345678", ("+81312345678", None)),  # Excel took the 0 away
        ("9.01E+12", (None, None)),
        ("3.12345678E+11", (None, None)),  # its digits would make a number, and the wrong one
        ("なし", (None, None)),
    ],
)
def test_phones_as_people_write_them(text, expected):
    assert normalise.phone_and_extension(text) == expected


def test_phones_of_the_card_formats():
    formats = json.loads(shared("jp_businesscard_formats/formats.json").read_text())
    for written, national in formats["phone_normalisation_seen"]:
        assert phone(written) == "+81" + national[1:]


def test_company_names_keep_both_policies_of_the_wild():
    formats = json.loads(shared("jp_businesscard_formats/formats.json").read_text())
    strip, keep, _ = formats["company_name_normalisation_policies_in_the_wild"]
    for policy, spelling in ((strip, company_key), (keep, company_legal_name)):
        for left, right, verdict in policy["examples"]:
            assert (spelling(left) == spelling(right)) == (verdict == "same"), (left, right)
    assert company_key("【株】テスト") == company_key("テスト（株）") == "テスト"
    assert company_legal_name("（一社）日本テスト協会") == "一般社団法人日本テスト協会"


def corporate_numbers(node: object) -> list[str]:
    """Every 法人番号 of an IMI output."""
    if isinstance(node, list):
        return [found for each in node for found in corporate_numbers(each)]
    if not isinstance(node, dict):
        return []
    own = node.get("ID") or {}
    return ([own["識別値"]] if "識別値" in own else []) + corporate_numbers(list(node.values()))


def test_corporate_numbers_by_the_imi_cases():
    folder = shared("jp_imi_hojin/001-io.json").parent
    told = 0
    for file in sorted(folder.glob("0*.json")):
        for case in json.loads(file.read_text()):
            trouble = json.dumps(case["output"], ensure_ascii=False)
            is_malformed = "13桁の数字でなければ" in trouble or "チェックデジットが不正" in trouble
            for number in corporate_numbers(case["output"]):
                assert (corporate_number(number) is None) == is_malformed, case["name"]
                told += 1
    assert told >= 21


def test_corporate_numbers_of_the_register_and_one_digit_off():
    lines = shared("jp_houjin_bangou/31_tottori_test_20240329.csv").read_text().splitlines()
    for row in csv.reader(lines):
        number = row[1]
        assert corporate_number(number) == corporate_number(f"Ｔ{number}") == number
        for place in range(13):
            wrong = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
            if place == 0 or number[place] != "9":  # modulo 9 a 9 and a 0 are one, as the ordinance has it
                assert corporate_number(wrong) is None
    assert corporate_number("1.00E+12") is None


def test_register_rows_give_prefecture_and_plain_names():
    lines = shared("jp_houjin_bangou/31_tottori_test_20240329.csv").read_text().splitlines()
    expected = json.loads(shared("jp_houjin_bangou/expected.json").read_text())["name"]
    for row, name in zip(csv.reader(lines), expected, strict=True):
        assert normalise.company_name(row[6]) == name
        assert normalise.prefecture(row[9] + row[10]) == row[9]


@pytest.mark.parametrize(
    ("text", "address", "mailbox", "is_valid", "domain", "kind"),
    [
        ("Taro+expo@Gmail.com", "taro+expo@gmail.com", "taro@gmail.com", True, "gmail.com", "free"),
        ("t.a.r.o@gmail.com", "t.a.r.o@gmail.com", "taro@gmail.com", True, "gmail.com", "free"),
        *(
            (f"a+b@{domain}", f"a+b@{domain}", f"a+b@{domain}", True, site, None)
            for domain, site in (("mail.example.co.jp", "example.co.jp"), ("x.city.kobe.jp", "city.kobe.jp"))
        ),
        ("ｔａｒｏ＠example.co.jp", *("taro@example.co.jp",) * 2, True, "example.co.jp", None),
        ("山田 太郎 <taro@example.jp>", *("taro@example.jp",) * 2, True, "example.jp", None),
        ("mailto:a@example.jp; b@example.jp", *("a@example.jp",) * 2, True, "example.jp", None),
        ("..a..b.@docomo.ne.jp", *("..a..b.@docomo.ne.jp",) * 2, True, "docomo.ne.jp", "carrier"),
        ("a@t.vodafone.ne.jp", *("a@t.vodafone.ne.jp",) * 2, True, "vodafone.ne.jp", "carrier"),
        ("a..b@example.jp", *("a..b@example.jp",) * 2, False, "example.jp", None),
        ("a@example.invalid", *("a@example.invalid",) * 2, False, "example.invalid", None),
        ("a@mailinator.com", *("a@mailinator.com",) * 2, True, "mailinator.com", "disposable"),
        ("a@0-mail.com", *("a@0-mail.com",) * 2, True, "0-mail.com", "disposable"),
        ("a@b", None, None, False, None, None),
        ("なし", None, None, False, None, None),
    ],
)
def test_mail_addresses(text, address, mailbox, is_valid, domain, kind):
    assert SPELLINGS["email_raw"].of(text) == (address, mailbox, is_valid, domain, kind)


def test_names_in_old_kanji_are_one_name():
    assert normalise.person_name("髙橋　純") == normalise.person_name("高橋 純")
    assert normalise.person_name("齊藤") == normalise.person_name("斉藤") == normalise.person_name("斎藤")


def test_places():
    assert normalise.prefecture("〒231-0017 横浜市中区港町1-1") == "神奈川県"
    assert normalise.prefecture("東京") == normalise.prefecture("東京都千代田区") == "東京都"
    assert normalise.prefecture("京都市") == "京都府"
    assert normalise.prefecture("Springfield") is None


def test_every_rule_has_its_reason_and_a_domain_that_exists():
    for domain, known in normalise.mail_domains().items():
        assert known.kind in ("free", "carrier", "disposable")
        assert normalise.registrable_domain(domain)
    assert set(normalise._cities().values()) <= set(normalise.PREFECTURES)


@given(st.text())
def test_any_text_gives_a_spelling_or_none_and_a_spelling_is_its_own(text):
    for spelling in SPELLINGS.values():
        assert len(spelling.of(text)) == len(spelling.columns)
    for function in (email, phone, corporate_number, normalise.person_name, normalise.prefecture):
        once = function(text)
        assert once is None or function(once) == once


def test_hostile_strings_break_no_spelling():
    for text in json.loads(shared("strings_blns/blns.json").read_text()):
        for spelling in SPELLINGS.values():
            assert len(spelling.of(text)) == len(spelling.columns)
