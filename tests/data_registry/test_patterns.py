"""What the patterns recognise, and what they leave alone."""

from __future__ import annotations

import random

import pytest

from data_registry.profiling.columns import Column
from data_registry.profiling.patterns import kinds_in, luhn, present

FOUND = {
    "email": [
        "kim.minsu@example.org",
        "Write to a+b@mail.example.co.kr today",
        "김@example.com",
        "x@y-z.io,",
        "<ada@example.org>",
    ],
    "phone": ["+82 10-1234-5678", "010-1234-5678", "02-345-6789", "+49 (30) 1234 567", "(212) 555-0123", "call 212-555-0123 now"],
    "payment_card": ["4111 1111 1111 1111", "5500-0000-0000-0004", "card 378282246310005 ok", "3782 822463 10005"],
    "iban": ["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "NO9386011117947", "to FR1420041010050500013M02606 please"],
    "kr_rrn": ["900101-1234567", "number 000229-3123456 here", "851231-5123456"],
}
LEFT_ALONE = [
    "", "plain words", "2026-01-31", "2026-01-31T10:20:30", "192.168.100.100", "1234567", "12.3456789012345", "-0.123456789012",
    "a@b", "@handle", "user@localhost", "no at sign.example.org", "1.2.3.4:8080", "sha256:0123456789abcdef",
    "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "01997f6e-9d5a-7c3b-8f00-123456789012", "100-200-300", "3.141592653589793",
    "4111 1111 1111 1112", "0000 0000 0000 0000", "DE89 3704 0044 0532 0130 01", "GB29NWBK6016133192681", "XX12345678901234",
    "901301-1234567", "990230-1234567", "900101-9234567", "1e10", "978-3-16-148410-0", "+1234567890.5",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "cell"), [(kind, cell) for kind, cells in FOUND.items() for cell in cells])
def test_personal_data_is_recognised(kind, cell):
    assert (kind, "strong") in [(pattern.kind, strength) for pattern, strength in kinds_in(cell)]


@pytest.mark.parametrize("cell", LEFT_ALONE)
def test_what_only_looks_similar_is_left_alone(cell):
    assert kinds_in(cell) == []


@pytest.mark.parametrize(
    ("kind", "cell"), [("payment_card", "4111111111111111"), ("phone", "01012345678"), ("kr_rrn", "9001011234567")]
)
def test_bare_digits_are_only_a_weak_sign(kind, cell):
    assert (kind, "weak") in [(pattern.kind, strength) for pattern, strength in kinds_in(cell)]


def test_the_check_digit_of_iso_7812():
    assert luhn("79927398713")
    assert not any(luhn(f"7992739871{digit}") for digit in "012456789")


def test_a_weak_sign_in_few_cells_is_unknown_and_in_many_is_yes():
    assert present(strong=0, weak=0, filled=100) == "no"
    assert present(strong=0, weak=3, filled=100) == "unknown"
    assert present(strong=0, weak=20, filled=100) == "yes"
    assert present(strong=1, weak=0, filled=100_000) == "yes"


@pytest.mark.parametrize("digits", [13, 16])
def test_random_numbers_never_make_a_column_personal(digits):
    chance = random.Random(7)  # noqa: S311 - reproducible test data
    column = Column("id")
    for _ in range(5_000):
        column.look_at(str(chance.randrange(10 ** (digits - 1), 10**digits)))
    assert {finding["present"] for finding in column.findings()} <= {"unknown"}


def test_a_column_of_card_numbers_is_personal():
    def card(chance: random.Random) -> str:
        body = "4" + "".join(str(chance.randrange(10)) for _ in range(14))
        return next(body + str(digit) for digit in range(10) if luhn(body + str(digit)))

    chance, column = random.Random(7), Column("pan")  # noqa: S311 - reproducible test data
    for _ in range(50):
        column.look_at(card(chance))
    assert [(f["category"], f["present"], f["matched"], f["scanned"]) for f in column.findings()] == [
        ("payment_card", "yes", 50, 50)
    ]


@pytest.mark.parametrize(
    "hostile",
    ["a@" * 5_000, "a." * 5_000 + "@", "+1 " + "1-" * 5_000, "9" * 10_000, "x" * 64 + "@" + "a." * 4_000,
     "DE12 " + "AAAA " * 2_000, "1234 " * 2_000, "@" * 10_000, "(1) " * 2_500],
)  # fmt: skip
def test_no_cell_takes_long(hostile):
    """Not a measurement: a pattern that backtracks would take minutes or hours on these, and the test would never end."""
    kinds_in(hostile[:10_000])
