"""Reading tables: counts, types, findings and what was not looked at. The readers run here directly; the jail is tested apart."""

from __future__ import annotations

import json
import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

from data_registry.profiling import child
from data_registry.scan_results import read_result


@pytest.fixture
def profile(tmp_path):
    """`profile("csv", b"...")`: the table that comes back, or the sentence that says why there is none."""

    def read(kind, content, *, rows=1_000, seconds=60.0):
        path = tmp_path / "content"
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, pa.Table):
            pq.write_table(content, path, row_group_size=100)
        else:
            save_file(content, path, metadata={"made by": "ada@example.org"})
        answer = child.main({"format": kind, "rows": rows, "seconds": seconds}, {"content": path}, tmp_path)
        read_result(answer)  # whatever the child says has the shape that the site accepts
        return answer.get("table") or answer["unreadable"]

    return read


def found(table) -> list[tuple]:
    return [(one["column"], one["kind"], one["present"], one["matched"], one["scanned"]) for one in table["findings"]]


def left_out(table) -> list[str]:
    return [entry["code"] for entry in table["not_checked"]]


# -- CSV -----------------------------------------------------------------------------------------------------------------


def test_a_csv_is_counted_and_searched(profile):
    table = profile("csv", b"name,email,age,score,ok\nAda,ada@example.org,36,1.5,true\nGrace,,,2e3,no\nAlan,NA,41,.5,yes\n")
    assert (table["format"], table["rows"]) == ("csv", 3)
    assert [(one["name"], one["dtype"], one["nulls"]) for one in table["columns"]] == [
        ("name", "string", 0),
        ("email", "string", 2),
        ("age", "integer", 1),
        ("score", "number", 0),
        ("ok", "boolean", 0),
    ]
    assert found(table) == [("email", "email", "yes", 1, 1)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_usual_delimiters_are_recognised(profile, delimiter):
    rows = [["name", "note"], ["Ada", "a, b"], ["Grace", "c"]]
    content = "\n".join(delimiter.join(f'"{cell}"' if "," in cell else cell for cell in row) for row in rows)
    assert [one["name"] for one in profile("csv", content.encode())["columns"]] == ["name", "note"]


def test_one_column_needs_no_delimiter(profile):
    table = profile("csv", b"email\nada@example.org\ngrace@example.org\n")
    assert found(table) == [("email", "email", "yes", 2, 2)]


@pytest.mark.parametrize("first", [b"ada@example.org,Seoul", b"1,2", b"a,a", b"name,"])
def test_a_first_line_that_is_data_becomes_no_column_name(profile, first):
    table = profile("csv", first + b"\nb,c\n")
    assert [one["name"] for one in table["columns"]] == ["column 1", "column 2"]
    assert table["rows"] == 2
    assert "no_header" in left_out(table)
    assert "ada@" not in json.dumps(table)


def test_no_value_ever_leaves_the_child(profile):
    table = profile("csv", b"who,mail\nSecretname,secret@example.org\n")
    assert "ecret" not in json.dumps(table)


def test_rows_of_another_length_are_counted_searched_and_told(profile):
    table = profile("csv", b"a,b\nx\ny,z,extra@example.org\n")
    assert {"code": "uneven_rows", "rows": 2} in table["not_checked"]
    assert found(table) == [("(beyond the header)", "email", "yes", 1, 1)]
    assert [one["nulls"] for one in table["columns"]] == [0, 1, 0]


def test_rows_beyond_the_budget_are_counted_and_told(profile):
    table = profile("csv", b"id,mail\n" + b"1,x\n" * 20 + b"2,late@example.org\n", rows=10)
    assert (table["rows"], found(table)) == (21, [])
    assert {"code": "rows", "looked_at": 10, "rows": 21} in table["not_checked"]


def test_an_ended_budget_of_time_is_told(profile):
    table = profile("csv", b"id\n" + b"1\n" * 20, seconds=-1)
    assert {"code": "time", "rows": 0} in table["not_checked"]


def test_long_cells_are_cut_and_told(profile):
    table = profile("csv", b"text,n\n" + b"x " * 6_000 + b"late@example.org,1\n")
    assert found(table) == []
    assert {"code": "long_cells", "columns": ["text"], "count": 1, "limit": 10_000} in table["not_checked"]


def test_bytes_that_are_no_text_are_told(profile):
    assert {"code": "undecodable", "cells": 1} in profile("csv", b"name,city\nJos\xe9,Lima\n")["not_checked"]
    assert {"code": "undecodable", "cells": 1} in profile("csv", b"nom,ann\xe9e\nAda,1843\n")["not_checked"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_are_understood(profile, encoding):
    table = profile("csv", "email,city\nada@example.org,서울\n".encode(encoding))
    assert [one["name"] for one in table["columns"]] == ["email", "city"]
    assert found(table) == [("email", "email", "yes", 1, 1)]


def test_columns_beyond_the_limit_are_told(profile):
    content = b",".join(b"c%d" % place for place in range(2_100)) + b"\n" + b",".join([b"1"] * 2_100) + b"\n"
    table = profile("csv", content)
    assert len(table["columns"]) == 2_000
    assert {"code": "columns", "count": 100} in table["not_checked"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\n\n", "holds no row"),
        (b"a,b\n1,\x00\n", "NUL characters"),
        (b'a,b\n"' + b"x" * (2 << 20) + b'",1\n', "cannot be read as CSV"),
        (b"x" * (17 << 20), "A line is longer"),
    ],
)
def test_what_is_no_csv_is_said_in_a_sentence(profile, content, sentence):
    assert sentence in profile("csv", content)


def test_quotes_that_never_close_do_not_swallow_the_file(profile):
    assert "cannot be read as CSV" in profile("csv", b'a,b\n"' + b"1,2\n" * 400_000)


# -- Parquet -------------------------------------------------------------------------------------------------------------


def test_a_parquet_file_is_counted_and_searched_also_inside_lists_and_structs(profile):
    table = profile(
        "parquet",
        pa.table(
            {
                "id": pa.array([1, 2, None]),
                "mail": pa.array(["ada@example.org", "", None]),
                "tags": pa.array([["a", "010-1234-5678"], [], None]),
                "who": pa.array([{"name": "x", "iban": "DE89370400440532013000"}, None, None]),
                "kind": pa.array(["b@example.org", "c", "c"]).dictionary_encode(),
                "pairs": pa.array([[("k", "900101-1234567")], [], []], type=pa.map_(pa.string(), pa.string())),
                "score": pa.array([0.5, None, 1.5]),
                "blob": pa.array([b"ada@example.org", b"", None]),
            }
        ),
    )
    assert (table["rows"], [one["name"] for one in table["columns"]][:3]) == (3, ["id", "mail", "tags"])
    assert [one["nulls"] for one in table["columns"]] == [1, 2, 1, 2, 0, 0, 1, 1]
    assert [(one[0], one[1]) for one in found(table)] == [
        ("mail", "email"),
        ("tags", "phone"),
        ("who", "iban"),
        ("kind", "email"),
        ("pairs", "kr_rrn"),
    ]
    assert {"code": "types", "columns": ["blob", "score"], "count": 2} in table["not_checked"]


def test_parquet_rows_beyond_the_budget_are_told(profile):
    table = profile("parquet", pa.table({"mail": ["x"] * 10_000 + ["late@example.org"]}), rows=5_000)
    assert (table["rows"], found(table)) == (10_001, [])
    assert next(entry for entry in table["not_checked"] if entry["code"] == "rows")["rows"] == 10_001


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\x00" * 100 + b"PAR1", b"not parquet at all", b"a,b\n1,2\n"])
def test_what_is_no_parquet_is_said_in_a_sentence(profile, content):
    assert "cannot be read as Parquet" in profile("parquet", content)


def test_a_damaged_parquet_file_is_said_in_a_sentence(profile, tmp_path):
    path = tmp_path / "whole.parquet"
    pq.write_table(pa.table({"mail": [f"{place}@example.org" for place in range(1_000)]}), path, compression="none")
    content = bytearray(path.read_bytes())
    for place in range(20, len(content) - 400, 97):
        content[place] ^= 0xFF
    answer = profile("parquet", bytes(content))
    assert "cannot be read as Parquet" in answer or found(answer)  # damage within texts goes unnoticed, which Parquet allows


# -- safetensors ---------------------------------------------------------------------------------------------------------


def test_tensors_are_counted_and_their_names_and_metadata_searched(profile):
    inputs = np.ones((450, 8, 8), "float32")
    inputs[0, 0, :3] = np.nan
    table = profile("safetensors", {"inputs": inputs, "targets": np.zeros(450, "int64")})
    assert table["rows"] == 450
    assert [(one["name"], one["dtype"], one["nulls"]) for one in table["columns"]] == [
        ("inputs", "F32[450,8,8]", 3),
        ("targets", "I64[450]", 0),
        ("metadata: made by", "text", 0),
    ]
    assert found(table) == [("metadata: made by", "email", "yes", 1, 1)]
    assert {"code": "tensors", "count": 2} in table["not_checked"]


def test_tensors_of_different_length_have_no_number_of_rows(profile):
    table = profile("safetensors", {"a": np.zeros(3), "b": np.zeros(4)})
    assert table["rows"] is None
    assert "row_count" in left_out(table)


def header(value: object, data: bytes = b"") -> bytes:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 8,
        struct.pack("<Q", 1 << 62) + b"{}",
        header(b"not json"),
        header(b"[" * 100_000),
        header([]),
        header({"a": 3}),
        header({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}),  # beyond the end of the file
        header({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, b"1234"),
        header({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, -4]}}),
        header({"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 2**82]}}),
        header({"a": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}}, b"1234"),
        header({"a": {"dtype": "F33", "shape": [1], "data_offsets": [0, 4]}}, b"1234"),
        header({"a": {"dtype": ["F32"], "shape": [1], "data_offsets": [0, 4]}}, b"1234"),
        header({"__metadata__": {"a": 1}}),
        header(b'{"a": {}, "a": {}}'),
    ],
)
def test_what_is_no_safetensors_is_said_in_a_sentence(profile, content):
    sentence = profile("safetensors", content)
    assert isinstance(sentence, str)
    assert sentence.endswith(".")


def test_other_formats_are_not_read(profile):
    assert "Only safetensors, CSV and Parquet" in profile("other", b"x")
