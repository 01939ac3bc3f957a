"""Calendars: from the package `holidays` to the public holidays on which a hand-over has time.

    holidays (the law of each country) -> dbt_project/models/6_routing/public_holidays.csv

Run `python -m orchestration.calendars` after an update of the package, or with a country that
business_calendars.csv names for the first time; the CSV is then reviewed as any rule is. Days on which only
your own company is closed stand in business_closures.csv.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import holidays

from orchestration.home import PROJECT
from orchestration.trouble import Trouble

FOLDER = PROJECT / "models" / "6_routing"
YEARS = range(2000, 2036)  # law as it stands: a later year is written when it is near
COLUMNS = ("country", "day", "name_ja", "name_en", "why")


def countries(folder: Path = FOLDER) -> list[str]:
    """The countries of business_calendars.csv, each once, in order of the alphabet."""
    with (folder / "business_calendars.csv").open(encoding="utf-8", newline="") as file:
        return sorted({row["country"] for row in csv.DictReader(file)})


def days_off(country: str, years: Iterable[int] = YEARS) -> list[tuple[date, str, str]]:
    """Public holidays of a country (ISO 3166 code): day, name in its own language, name in English.

    Raises:
        Trouble: the package does not know the country.
    """
    try:
        tongue = holidays.country_holidays(country).default_language  # not that of this machine
        own = holidays.country_holidays(country, years=list(years), language=tongue)
        english = holidays.country_holidays(country, years=list(years), language="en_US")
    except NotImplementedError as error:
        raise Trouble(
            f"business_calendars.csv names the country {country}, which the package `holidays` does not know"
        ) from error
    return [(day, _quoteless(name), _quoteless(english[day])) for day, name in sorted(own.items())]


def _quoteless(name: str) -> str:
    """Spark's loader of seeds does not escape a straight quote."""
    return name.replace("'", "’")


def as_csv(named: Iterable[str]) -> str:
    """public_holidays.csv for these countries."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(COLUMNS)
    for country in named:
        for day, own, english in days_off(country):
            out.writerow((country, day.isoformat(), own, english, "Public holiday by law"))
    return text.getvalue()


def write(folder: Path = FOLDER) -> Path:
    """Write public_holidays.csv anew and say where."""
    file = folder / "public_holidays.csv"
    file.write_text(as_csv(countries(folder)), encoding="utf-8")
    return file


if __name__ == "__main__":
    print(write())
