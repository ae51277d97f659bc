"""Whatever is handed in, the answer is a refusal in one sentence, soon and without a traceback."""

from __future__ import annotations

import contextlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.verify import Refused, Trust, limits, verify_report
from countersign.verify.attachments import read_attachments
from countersign.verify.cms import der_length, read_cms, rebuild
from countersign.verify.pdf import Document
from countersign.verify.pdf_objects import parse_value
from tests.countersign.verify.conftest import bounded, failed


def build_pdf(objects: dict[int, bytes], trailer: bytes = b"/Root 1 0 R", *, head: bytes = b"%PDF-1.7\n") -> bytes:
    """A PDF with a classic table over these objects, whatever they hold."""
    out = head
    places = {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for number, place in places.items():
        out += b"%d 1\n%010d 00000 n \n" % (number, place)
    return out + b"trailer\n<< /Size 99 %s >>\nstartxref\n%d\n%%%%EOF\n" % (trailer, table)


def stream(dictionary: bytes, data: bytes) -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (dictionary, len(data), data)


def described_by(entries: bytes) -> bytes:
    """A PDF whose table is an empty stream that is said to be so."""
    described = b"1 0 obj\n" + stream(b"/Type /XRef " + entries, b"") + b"\nendobj\n"
    return b"%PDF-1.7\n" + described + b"startxref\n9\n%%EOF\n"


CATALOGUE = b"<< /Type /Catalog /AcroForm << /Fields [] >> >>"
DEEP = limits.PDF_DEPTH * 20


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"%PDF-1.7\n",
        b"<html>no PDF</html>",
        b"%PDF-1.7\nstartxref\n0\n%%EOF\n",
        b"%PDF-1.7\nstartxref\n99999999999\n%%EOF\n",
        b"%PDF-1.7\nstartxref\n999999999999999999999999999\n%%EOF\n",
        build_pdf({1: CATALOGUE}),
        build_pdf({1: CATALOGUE}, b"/Root 1 0 R /Encrypt 1 0 R"),
        build_pdf({1: CATALOGUE}, b"/Root 1 0 R /Prev 5"),
        build_pdf({1: CATALOGUE}, b"/Root 1 0 R /Prev 99999999"),
        build_pdf({1: CATALOGUE}, b"/Root 1 0 R /Prev -1"),
        build_pdf({1: CATALOGUE}, b"/Root 7 0 R"),
        build_pdf({1: CATALOGUE}, b"/Root (text)"),
        build_pdf({1: b"[" * DEEP + b"]" * DEEP}),
        build_pdf({1: b"<< /A " * DEEP + b">>" * DEEP}),
        build_pdf({1: b"(" * DEEP}),
        build_pdf({1: b"9" * 5000}),
        build_pdf({1: b"<< /A 1 /A 2 >>"}),
        build_pdf({1: b"<< 1 2 >>"}),
        build_pdf({1: b"[ >> ]"}),
        build_pdf({1: b"]"}),
        build_pdf({1: b"2 0 R", 2: b"1 0 R"}),
        build_pdf({1: b"<< /Length 99999999999 >>\nstream\nabc\nendstream"}),
        build_pdf({1: b"<< /Length -1 >>\nstream\nabc\nendstream"}),
        build_pdf({1: b"<< /Length true >>\nstream\nabc\nendstream"}),
        build_pdf({1: b"<< /Length 2 0 R >>\nstream\nabc\nendstream"}),
        build_pdf({1: b"(\\x)"}),
        build_pdf({1: b"<zz>"}),
        b"%PDF-1.7\nxref\n0 9999999999\ntrailer\n<<>>\nstartxref\n9\n%%EOF\n",
        described_by(b"/W [1 1 1] /Size 9999999999"),
        described_by(b"/W [9 9 9] /Size 1"),
        described_by(b"/W [0 0 0] /Size 9999"),
        described_by(b"/W [] /Size 9999"),
        described_by(b"/W [1 1 1] /Index [0 1 0] /Size 9"),
        described_by(b"/W [1 1 1] /Index 5 /Size 9"),
    ],
)
def test_a_hostile_file_is_refused_in_one_sentence(data: bytes, trust: Trust) -> None:
    verification = verify_report(data, trust)
    assert failed(verification)[0] == "file structure"
    assert verification.exit_code == 1
    assert all(len(item.detail) < 600 and "\n" not in item.detail for item in verification.items)


def test_decompression_stops_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STREAM_BYTES", 1 << 20)
    monkeypatch.setattr(limits, "ALL_STREAMS_BYTES", 3 << 20)
    small, bomb = zlib.compress(bytes(1 << 20), 9), zlib.compress(bytes(64 << 20), 9)
    document = Document.read(
        build_pdf({1: CATALOGUE, 2: stream(b"/Filter /FlateDecode", bomb), 3: stream(b"/Filter /FlateDecode", small)})
    )
    contents = {number: value for number, value in document.objects() if number > 1}
    with pytest.raises(Refused, match="grow beyond"):
        document.content(contents[2])
    for _ in range(3):
        assert len(document.content(contents[3])) == 1 << 20
    with pytest.raises(Refused, match="grow beyond"):
        document.content(contents[3])


@pytest.mark.parametrize("tail", [b"more", b"\x78\x9c"])
def test_a_compressed_stream_ends_where_it_says(tail: bytes) -> None:
    packed = zlib.compress(b"abc")
    for data in (packed + tail, packed[:-1], b"no zlib"):
        document = Document.read(build_pdf({1: stream(b"/Filter /FlateDecode", data)}))
        with pytest.raises(Refused, match="stream"):
            document.content(dict(document.objects())[1])
    other = Document.read(build_pdf({1: stream(b"/Filter /LZWDecode", packed)}))
    with pytest.raises(Refused, match="compressed in a way"):
        other.content(dict(other.objects())[1])


def test_objects_inside_one_another_do_not_keep_the_reader_busy() -> None:
    """Each of many objects lies in the one before: read one by one they would cost the square of the file's size."""
    out, places = b"%PDF-1.7\n", []
    for number in range(1, 500):
        places.append(len(out))
        out += b"%d 0 obj (" % number
    out += b") endobj\n" * len(places)
    table = len(out)
    out += b"xref\n1 %d\n" % len(places) + b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % table
    with pytest.raises(Refused, match="overlap"):
        list(Document.read(out).objects())


def _attached(catalogue: bytes, **more: bytes) -> bytes:
    objects = {1: catalogue, 3: stream(b"/Type /EmbeddedFile", b"one"), 5: stream(b"/Type /EmbeddedFile", b"two")}
    for number, name in ((2, b"one.txt"), (4, b"two.txt")):
        objects[number] = b"<< /F (%s) /UF (%s) /EF << /F %d 0 R >> >>" % (name, name, number + 1)
    return build_pdf(objects | {int(name[1:]): body for name, body in more.items()})


BOTH = b"<< /Names << /EmbeddedFiles << /Names [(a) 2 0 R (b) 4 0 R] >> >> /AF [2 0 R 4 0 R 2 0 R 4 0 R] >>"


def test_attachments_are_read_and_none_can_be_hidden() -> None:
    assert read_attachments(Document.read(_attached(BOTH))) == {"one.txt": b"one", "two.txt": b"two"}
    for pdf, sentence in [
        (_attached(BOTH.replace(b"/AF [2 0 R 4 0 R 2 0 R 4 0 R]", b"/AF [2 0 R]")), "two lists"),
        (_attached(BOTH.replace(b"/AF [2 0 R 4 0 R 2 0 R 4 0 R]", b"/AF [<<>>]")), "two lists"),
        (_attached(BOTH.replace(b" (b) 4 0 R", b"").replace(b" 4 0 R", b"")), "does not name"),
        (_attached(BOTH.replace(b"(b) 4 0 R", b"(b) 2 0 R").replace(b" 4 0 R", b"")), "there twice"),
        (_attached(BOTH, o4=b"<< /F (one.txt) /UF (one.txt) /EF << /F 5 0 R >> >>"), "there twice"),
        (_attached(BOTH, o4=b"<< /F (b) /UF (../b) /EF << /F 5 0 R >> >>"), "a name that reports do not use"),
        (_attached(BOTH, o4=b"<< /F (b) /UF (c) /EF << /F 5 0 R >> >>"), "a name that reports do not use"),
        (_attached(BOTH, o4=b"<< /F (b) /UF (b) /EF << /F 5 0 R /UF 3 0 R >> >>"), "no content"),
        (_attached(BOTH, o5=b"(no stream)"), "no content"),
        (_attached(BOTH, o5=stream(b"/Type /EmbeddedFile /Filter /FlateDecode", b"x")), "two.txt cannot be read"),
    ]:
        with pytest.raises(Refused, match=sentence):
            read_attachments(Document.read(pdf))


@bounded
@given(st.binary(max_size=400))
def test_random_bytes_are_refused(data: bytes) -> None:
    assert failed(verify_report(b"%PDF-1.7\n" + data, None))
    assert failed(verify_report(data, None))


WORDS = b"""<< >> [ ] /A /Type /Sig /ByteRange /Contents /Fields /AcroForm /Names /EmbeddedFiles /AF /EF /F /UF /V /FT /Length
1 -1 0.5 true null (a) ( ) <41> <4 endstream endobj % \\ # 99999999999999999999999999999999""".split()
TOKENS = st.sampled_from([*WORDS, b"1 0 R", b"2 0 R", b"stream\n"])


@bounded
@given(st.lists(TOKENS, max_size=40), st.lists(TOKENS, max_size=40))
def test_a_soup_of_tokens_is_refused(first: list[bytes], second: list[bytes]) -> None:
    assert failed(verify_report(build_pdf({1: b" ".join(first), 2: b" ".join(second)}), None))
    catalogue = b"<< /Names << /EmbeddedFiles 2 0 R >> /AF 2 0 R /AcroForm 2 0 R >>"
    assert failed(verify_report(build_pdf({1: catalogue, 2: b" ".join(second)}), None))


@bounded
@given(st.binary(max_size=200))
def test_a_value_is_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(Refused):
        parse_value(data, 0)


@bounded
@given(data=st.data())
def test_a_report_cut_up_and_put_together_again_is_refused(data: st.DataObject, report: bytes, trust: Trust) -> None:
    place = st.integers(0, len(report))
    begin, end = sorted((data.draw(place), data.draw(place)))
    at = data.draw(place)
    piece = data.draw(st.one_of(st.just(b""), st.just(report[begin:end]), st.binary(max_size=50)))
    changed = report[:begin] + piece + report[at:]
    if changed != report:
        assert failed(verify_report(changed, trust))


# -- the signature ----------------------------------------------------------------------------------------------------------


def _cms(report: bytes) -> bytes:
    digits = report.split(b"/Contents <")[1].split(b">")[0]
    filled = bytes.fromhex(digits.decode())
    return filled[: der_length(filled)]


@bounded
@given(data=st.data())
def test_a_changed_signature_is_refused_or_is_the_one_form_of_its_parts(data: st.DataObject, report: bytes) -> None:
    der = bytearray(_cms(report))
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(der) - 1))
        der[begin : begin + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        parts = read_cms(bytes(der))
    except Refused:
        return
    assert rebuild(parts) == bytes(der)


@bounded
@given(st.binary(max_size=100))
def test_a_random_signature_is_refused(data: bytes) -> None:
    for der in (data, b"\x30\x80" + data, b"\x30" + bytes([len(data)]) + data):
        with pytest.raises(Refused):
            read_cms(der)


@pytest.mark.parametrize("der", [b"\x30\x80" * 5000, b"\x30\x84\x7f\xff\xff\xff", b"\x30\x89" + b"\xff" * 9, b"\x1f\x81" * 50])
def test_a_hostile_signature_is_refused(der: bytes) -> None:
    with pytest.raises(Refused):
        read_cms(der)
    nested = bytes(300)
    for _ in range(300):
        nested = b"\x30\x82" + len(nested).to_bytes(2, "big") + nested
    with pytest.raises(Refused):
        read_cms(nested)
