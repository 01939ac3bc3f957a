"""Text of people and companies, as typed -> one spelling, each distinct value once.

    *_raw column -> the pure functions below, by SPELLINGS -> the columns that `spellings` joins back

The functions are pure and total: any text gives a text or None, never an error. Which domains are free
mail, which tags of an address mean nothing, which kanji are one and which city lies in which prefecture is
data, in `mail_domains.csv`, `kanji_variants.csv` and `cities.csv`.
"""

import csv
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import jaconv
import phonenumbers

# fmt: off
PREFECTURES = (
    "北海道", "青森県", "岩手県", "宮城県", "秋田県", "山形県", "福島県", "茨城県", "栃木県", "群馬県",
    "埼玉県", "千葉県", "東京都", "神奈川県", "新潟県", "富山県", "石川県", "福井県", "山梨県", "長野県",
    "岐阜県", "静岡県", "愛知県", "三重県", "滋賀県", "京都府", "大阪府", "兵庫県", "奈良県", "和歌山県",
    "鳥取県", "島根県", "岡山県", "広島県", "山口県", "徳島県", "香川県", "愛媛県", "高知県", "福岡県",
    "佐賀県", "長崎県", "熊本県", "大分県", "宮崎県", "鹿児島県", "沖縄県",
)
# fmt: on
"""The 47 prefectures in the order of their codes."""

_SHORT_FORMS = {
    "株": "株式会社", "有": "有限会社", "合": "合同会社", "同": "合同会社", "資": "合資会社",
    "名": "合名会社", "相": "相互会社", "社": "社団法人", "財": "財団法人",
    "一社": "一般社団法人", "一財": "一般財団法人",
    "公社": "公益社団法人", "公財": "公益財団法人", "医": "医療法人", "学": "学校法人", "宗": "宗教法人",
    "福": "社会福祉法人", "特非": "特定非営利活動法人", "独": "独立行政法人", "国大": "国立大学法人",
}  # fmt: skip
_FORMS = "|".join(
    [
        r"株式会社|有限会社|合同会社|合資会社|合名会社|相互会社",
        r"(?:一般|公益|特定非営利活動)?(?:社団|財団)法人",
        r"(?:学校|医療|宗教|社会福祉|特定非営利活動|独立行政|国立大学)法人",
    ]
)
_SHORT = re.compile(rf"\(({'|'.join(sorted(_SHORT_FORMS, key=len, reverse=True))})\)")
_LEGAL_FORMS = re.compile(
    rf"{_FORMS}|{_SHORT.pattern}"
    r"|(?:[\s,.]|\b)(?:CO\.?,?\s*LTD\.?|COMPANY LIMITED|INC\.?|CORP(?:\.|ORATION)?|LTD\.?|LLC\.?"
    r"|K\.K\.|G\.K\.)(?=\W|$)",
    re.IGNORECASE,
)
_JOINERS = re.compile(r"[\s・･·•‐‑‒–—―−\-_,.'’]+")
_BRACKETS = str.maketrans("〔［【〈[{〕］】〉]}", "((((((" + "))))))")
_ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_LOCAL_PART = re.compile(r"[^.@]+(?:\.[^.@]+)*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−ー－", "-"))
_KANJI_DIGITS = str.maketrans("〇零一二三四五六七八九", "00123456789")
_EXTENSION = re.compile(r"(?:内線番号|内線|内|extension|ext|x|#)\s*[:.：]?\s*(\d+)", re.IGNORECASE)
_MANGLED = re.compile(r"\s*\d+(?:\.\d+)?[eE]\+?\d+\s*")
_UNSEEN = " \t\r\n\u200b\u200c\u200d\ufeff\u3000"


def _plain(text: str) -> str:
    """NFKC, trimmed of blanks and of signs that no one sees (zero width, byte order mark)."""
    return unicodedata.normalize("NFKC", text).strip(_UNSEEN)


# Mail ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MailDomain:
    """What is known of a mail provider's domain: its kind, and what of an address means nothing to it."""

    kind: str
    tag_sign: str
    ignores_dots: bool


@cache
def mail_domains() -> dict[str, MailDomain]:
    """Domain -> what is known of it, from `mail_domains.csv`."""
    with Path(__file__).with_name("mail_domains.csv").open(encoding="utf-8", newline="") as lines:
        return {
            row["domain"]: MailDomain(row["kind"], row["tag_sign"], row["ignores_dots"] == "yes")
            for row in csv.DictReader(lines)
        }


@lru_cache(maxsize=100_000)
def _known(domain: str) -> MailDomain | None:
    """What is known of the domain or of the nearest one above it (`docomo.ne.jp` of `x.docomo.ne.jp`)."""
    labels = domain.split(".")
    above = (".".join(labels[place:]) for place in range(len(labels) - 1))
    return next((found for each in above if (found := mail_domains().get(each))), None)


def email(text: str) -> str | None:
    """Mail address in lower case, NFKC, trimmed (`mailto:`, a name before `<>` taken off); None if none.

    The shape is that of the HTML standard's email field, with at least one dot in the domain. Of several
    addresses in one cell the first is taken.
    """
    plain = _plain(text).lower()
    if named := re.search(r"<([^<>]+)>$", plain):
        plain = named[1]
    parts = re.split(r"[;,、\s]+", plain.removeprefix("mailto:").strip("<>;, "))
    if not all(len(part) <= 254 and _ADDRESS.fullmatch(part) for part in parts):
        return None
    return parts[0]


def email_mailbox(address: str) -> str:
    """The address without what its provider ignores (`taro+seminar@gmail.com` is `taro@gmail.com`).

    Only for comparing: mail is sent to the address as given. `address` is one that `email` has made.
    """
    local, _, domain = address.rpartition("@")
    if not (provider := _known(domain)):
        return address
    bare = local.partition(provider.tag_sign)[0] if provider.tag_sign else local
    bare = bare.replace(".", "") if provider.ignores_dots else bare
    return f"{bare or local}@{domain}"


def email_is_valid(address: str) -> bool:
    """Whether mail to an address can exist: RFC 5321 lengths and labels, a domain under a known suffix.

    Dots at odd places of the local part are right at Japan's carriers only, which once gave them out.
    """
    local, _, domain = address.rpartition("@")
    known = _known(domain)
    is_dotted_right = _LOCAL_PART.fullmatch(local) or (known and known.kind == "carrier")
    return bool(len(local) <= 64 and is_dotted_right and _can_be_mailed(domain))


@lru_cache(maxsize=100_000)
def _can_be_mailed(domain: str) -> bool:
    """Whether every label of a domain is one and somebody can have registered it."""
    return all(_LABEL.fullmatch(label) for label in domain.split(".")) and bool(registrable_domain(domain))


@lru_cache(maxsize=100_000)
def email_domain_kind(domain: str) -> str | None:
    """`free`, `carrier` or `disposable` for a domain that many share; None for one of a company's own."""
    if known := _known(domain):
        return known.kind
    labels = domain.split(".")
    above = (".".join(labels[place:]) for place in range(len(labels) - 1))
    return "disposable" if any(each in _disposable() for each in above) else None


@cache
def _disposable() -> frozenset[str]:
    """Domains of throw-away addresses, beside those of `mail_domains.csv`."""
    from disposable_email_domains import blocklist

    return frozenset(blocklist)


@lru_cache(maxsize=100_000)
def registrable_domain(domain: str) -> str | None:
    """The part of a domain that someone has registered (`mail.example.co.jp` -> `example.co.jp`).

    By the Public Suffix List; None for a suffix itself and for a suffix that does not exist.
    """
    plain = _plain(domain).lower().rstrip(".")
    return _suffixes()(plain) if plain else None


@cache
def _suffixes() -> Callable[[str], str | None]:
    """The Public Suffix List as the package publicsuffixlist brings it."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(accept_unknown=False).privatesuffix


def _mail(text: str) -> tuple:
    """(email, email_mailbox, email_is_valid, email_domain, email_domain_kind) of a cell."""
    if not (address := email(text)):
        return None, None, False, None, None
    domain = address.rpartition("@")[2]
    return (
        *(address, email_mailbox(address), email_is_valid(address)),
        *(registrable_domain(domain) or domain, email_domain_kind(domain)),
    )


PLAIN_EMAIL = (
    "case when strlen({0}) <= 254 and regexp_full_match({0},"
    " '[A-Za-z0-9.!#$%&''*+/=?^_`{{|}}~-]+@[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+') then lower({0}) end"
)
"""SQL of `email` for a text that is nothing but an address in ASCII."""


# People and companies -----------------------------------------------------------------------------


@cache
def _kanji_variants() -> dict[int, str]:
    """Old and variant forms of kanji in names -> the one form they are compared in (kanji_variants.csv)."""
    with Path(__file__).with_name("kanji_variants.csv").open(encoding="utf-8", newline="") as lines:
        folds = {row["variant"]: row["standard"] for row in csv.DictReader(lines)}
    return {ord(variant): folds.get(standard, standard) for variant, standard in folds.items()}


def person_name(text: str) -> str | None:
    """A person's name, NFKC, every blank removed, kanji variants folded: `髙橋　純` and `高橋 純` are one."""
    joined = unicodedata.normalize("NFKC", re.sub(r"\s+", "", _plain(text)))  # a blank can part an accent
    return joined.strip(_UNSEEN).translate(_kanji_variants()) or None


def person_kana(text: str) -> str | None:
    """A reading in full-width katakana, blanks removed, whatever kana it was typed in."""
    name = person_name(text)
    return jaconv.hira2kata(name) if name else None


def company_name(text: str) -> str | None:
    """A company's name as shown: NFKC (so `㈱` reads `(株)`), inner blanks made single."""
    return re.sub(r"\s+", " ", _plain(text)) or None


def company_legal_name(text: str) -> str | None:
    """A company's name with its legal form written out and kept: `㈱テスト` -> `株式会社テスト`.

    For comparing where 株式会社A and 有限会社A are two companies. Blanks are removed.
    """
    name = company_name(text)
    if not name:
        return None
    return re.sub(r"\s+", "", _SHORT.sub(lambda short: _SHORT_FORMS[short[1]], name.translate(_BRACKETS)))


def company_key(text: str) -> str | None:
    """A company's name for comparing: without legal form, blanks, dots and dashes, in capitals.

    A name that is nothing but a legal form keeps it, so that a key is None only for an empty name.
    """
    name = company_name(text)
    if not name:
        return None
    bare = _JOINERS.sub("", _LEGAL_FORMS.sub("", name.translate(_BRACKETS)))
    return (bare or name).upper()


def _company(text: str) -> tuple:
    """(company_name, company_key, company_legal_name) of a cell."""
    return company_name(text), company_key(text), company_legal_name(text)


def corporate_number(text: str) -> str | None:
    """A corporate number (法人番号) of 13 digits whose check digit is right, else None.

    An invoice number (T and the same digits) is taken too. Check digit: 9 - sum(P x Q) mod 9, by the
    ordinance of the National Tax Agency (法人番号の指定等に関する省令).
    """
    digits = re.sub(r"[\s-]", "", _plain(text).translate(_DASHES)).upper().removeprefix("T")
    if not re.fullmatch(r"[1-9][0-9]{12}", digits):
        return None
    total = sum(int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits[1:])))
    return digits if int(digits[0]) == 9 - total % 9 else None


# Phones -------------------------------------------------------------------------------------------


def phone(text: str) -> str | None:
    """The first phone number of a cell in E.164, Japan where no country is given; None if impossible."""
    return phone_and_extension(text)[0]


def phone_and_extension(text: str) -> tuple[str | None, str | None]:
    """The first phone number of a cell in E.164 and what stands behind it (extension, 代表) as it came.

    Full-width and kanji digits are read; a number that Excel has shortened (`9.01E+12`) is none.
    """
    if _MANGLED.fullmatch(_plain(text)):
        return None, None
    digits, end = _first_number(text)
    number = _e164(digits)
    return number, _extension(text[end:]) if number else None


def _first_number(text: str) -> tuple[str, int]:
    """The digits (after a plus, if any) of the first number in a text, and where it ends."""
    signs = [unicodedata.normalize("NFKC", sign).translate(_DASHES).translate(_KANJI_DIGITS) for sign in text]
    place = next((n for n, sign in enumerate(signs) if _is_digit(sign) or sign == "+"), len(signs))
    digits = ""
    while place < len(signs):
        sign, rest = signs[place], "".join(signs[place + 1 : place + 4]).lstrip()
        count = len(digits.lstrip("+"))
        if _is_digit(sign) or (sign == "+" and not digits):
            digits += sign
        elif sign == "(":
            inner, _, after = "".join(signs[place + 1 :]).partition(")")
            if not inner.isascii() or not inner.isdigit() or count + len(inner) > 10 or not after:
                break
            if inner == "0" and digits.startswith("+"):
                place += 2
        elif sign.isspace() or sign in ",、/":
            if count >= 9 and (not sign.isspace() or rest[:1] in ("0", "+")):
                break
        elif sign not in ").-." and sign.strip(_UNSEEN):
            break
        place += 1
    return digits, place


def _is_digit(sign: str) -> bool:
    return len(sign) == 1 and sign.isascii() and sign.isdigit()


def _extension(rest: str) -> str | None:
    """What a bracket right behind a number holds, else the digits of an extension that is named."""
    if bracket := re.match(r"\s*[(（]([^)）]+)[)）]", rest):
        return bracket[1].strip(_UNSEEN) or None
    named = _EXTENSION.match(_plain(rest))
    return named[1] if named else None


@lru_cache(maxsize=100_000)
def _e164(digits: str) -> str | None:
    """E.164 of digits; a Japanese number without its 0 is one that Excel has taken for a number.

    00 begins a carrier's prefix, and what has fewer digits is a number within a town: neither is whole.
    """
    if digits.startswith("00") or (not digits.startswith(("+", "0")) and not 9 <= len(digits) <= 12):
        return None
    try:
        number = phonenumbers.parse(digits, "JP")
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


# Places -------------------------------------------------------------------------------------------


@cache
def _cities() -> dict[str, str]:
    """City that names its prefecture by itself -> prefecture, from `cities.csv`."""
    with Path(__file__).with_name("cities.csv").open(encoding="utf-8", newline="") as lines:
        return {row["city"]: row["prefecture"] for row in csv.DictReader(lines)}


def prefecture(text: str) -> str | None:
    """The prefecture a text names or an address begins with (`東京`, `横浜市西区...`), else None."""
    plain = re.sub(r"^(?:〒?\s*\d{3}-?\d{4})?\s*", "", _plain(text).translate(_DASHES))
    for name in PREFECTURES:
        if plain.startswith(name) or plain == name[:-1]:
            return name
    return next((within for city, within in _cities().items() if plain.startswith(city)), None)


# Columns ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spelling:
    """The columns that one raw column gives, and how: a text to one value for each of them.

    `plain` is SQL of the one column's value where a text is as plain as nearly all are, NULL of any other.
    """

    columns: tuple[str, ...]
    of: Callable[[str], tuple]
    plain: str | None = None


def _alone(function: Callable[[str], str | None]) -> Callable[[str], tuple]:
    return lambda text: (function(text),)


SPELLINGS: dict[str, Spelling] = {
    "email_raw": Spelling(
        ("email", "email_mailbox", "email_is_valid", "email_domain", "email_domain_kind"), _mail
    ),
    "recipient_raw": Spelling(("recipient",), _alone(email), PLAIN_EMAIL),
    "person_name_raw": Spelling(("person_name",), _alone(person_name)),
    "person_kana": Spelling(("person_kana",), _alone(person_kana)),
    "company_name_raw": Spelling(("company_name", "company_key", "company_legal_name"), _company),
    "corporate_number_raw": Spelling(("corporate_number",), _alone(corporate_number)),
    "phone_raw": Spelling(("phone", "phone_extension"), phone_and_extension),
    "mobile_raw": Spelling(("mobile",), _alone(phone)),
    "prefecture_raw": Spelling(("prefecture",), _alone(prefecture)),
}
"""Raw column -> the columns made from it."""
