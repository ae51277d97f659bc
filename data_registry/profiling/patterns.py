"""What personal data looks like. Each pattern is linear in the length of the cell, and checksums do the deciding.

A strong match (a checksum, or a form that nothing else has) says `yes` by itself. A weak one (digits that could be any
number) says `yes` only when it makes up a good part of the column; below that it says `unknown`: a person should look.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

WEAK_SHARE = 0.2  # of the cells that hold something; random 16-digit numbers match about 2 %, random 13-digit ones about 3 %

# IBAN lengths by country (ISO 13616 registry): a length that does not fit is no IBAN
_IBAN_LENGTHS = {
    code: int(length)
    for length, codes in {
        "15": "NO", "16": "BE", "18": "DK FO FI GL NL SD", "19": "MK SI", "20": "AT BA EE KZ LT LU MN XK",
        "21": "CH HR LI LV", "22": "BG BH CR DE GB GE IE ME RS VA", "23": "AE GI IL IQ OM SO TL",
        "24": "AD CZ ES MD PK RO SA SE SK TN VG", "25": "LY PT ST", "26": "IS TR", "27": "BI DJ FR GR IT MC MR SM",
        "28": "AL AZ BY CY DO GT HU LB NI PL SV", "29": "BR EG PS QA UA", "30": "JO KW MU", "31": "MT SC", "32": "LC",
        "33": "RU",
    }.items()
    for code in codes.split()
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pattern:
    kind: str
    category: str
    find: Callable[[str], str]  # "strong", "weak" or ""


_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])")


def _email(cell: str) -> str:
    return "strong" if "@" in cell and _EMAIL.search(cell) else ""


_PHONE = re.compile(
    r"(?<![\w+.-])(?:"
    r"\+\d{1,3}[ -]?\(?\d{1,4}\)?(?:[ -]?\d{2,4}){2,4}"  # +82 10-1234-5678, +49 (30) 1234 567
    r"|01[016789]-\d{3,4}-\d{4}"  # Korean mobile
    r"|0(?:2|[3-6]\d)-\d{3,4}-\d{4}"  # Korean landline
    r"|(?:\(\d{3}\) ?|\d{3}[ -])\d{3}-\d{4}"  # North America
    r")(?![\w-]|\.\d)"
)
_BARE_MOBILE = re.compile(r"01[016789]\d{7,8}\Z")


def _phone(cell: str) -> str:
    if (found := _PHONE.search(cell)) and 9 <= sum(sign.isdigit() for sign in found[0]) <= 15:
        return "strong"
    return "weak" if _BARE_MOBILE.match(cell) else ""


_CARD = re.compile(r"(?<![\w.-])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{5})(?![\w-]|\.\d)")
_ISSUERS = re.compile(
    r"(?:4|5[1-5]|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)|3[47]|3(?:0[0-5]|[68]\d)|35(?:2[89]|[3-8]\d)|6011|65|64[4-9]|62)"
)


def _card(cell: str) -> str:
    for found in _CARD.finditer(cell):
        digits = re.sub(r"[ -]", "", found[0])
        if len(set(digits)) > 1 and _ISSUERS.match(digits) and luhn(digits):
            return "weak" if found[0] == cell and digits == found[0] else "strong"
    return ""


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of ISO/IEC 7812-1."""
    total = 0
    for place, sign in enumerate(reversed(digits)):
        double = int(sign) * (1 + place % 2)
        total += double - 9 if double > 9 else double
    return total % 10 == 0


_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")


def _iban(cell: str) -> str:
    for found in _IBAN.finditer(cell):
        account = found[0].replace(" ", "")
        if _IBAN_LENGTHS.get(account[:2]) == len(account):
            turned = account[4:] + account[:4]
            if int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1:
                return "strong"
    return ""


_RRN = re.compile(r"(?<![\d.-])(\d{6})(-?)([1-8])\d{6}(?![\d-]|\.\d)", re.ASCII)


def _rrn(cell: str) -> str:
    """Numbers given since October 2020 have no check digit, so the date and the form decide."""
    for found in _RRN.finditer(cell):
        century = 2000 if found[3] in "3478" else 1900
        try:
            date(century + int(found[1][:2]), int(found[1][2:4]), int(found[1][4:]))
        except ValueError:
            continue
        return "strong" if found[2] else "weak"
    return ""


PATTERNS = (
    Pattern("email", "contact", _email),
    Pattern("phone", "contact", _phone),
    Pattern("payment_card", "payment_card", _card),
    Pattern("iban", "financial", _iban),
    Pattern("kr_rrn", "government_id", _rrn),
)

_WORTH_A_LOOK = re.compile(r"@|\d{2}")


def kinds_in(cell: str) -> list[tuple[Pattern, str]]:
    """The patterns that `cell` matches, each with its strength."""
    if not _WORTH_A_LOOK.search(cell):
        return []
    return [(pattern, strength) for pattern in PATTERNS if (strength := pattern.find(cell))]


def present(*, strong: int, weak: int, filled: int) -> str:
    """`yes`, `unknown` or `no` (nothing matched) for one pattern in one column."""
    if strong or (weak and weak >= WEAK_SHARE * filled):
        return "yes"
    return "unknown" if weak else "no"
