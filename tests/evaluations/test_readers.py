"""Every format gives the same rows as the tensors that it was written from; what is wrong or hostile is refused, unread."""

from __future__ import annotations

import io
import os
import re
import struct
import zipfile
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image, ImageFile

from evaluations.engine.data import archives, chunks, open_data
from evaluations.engine.refusals import CannotMeasure
from evaluations.engine.tasks import Task
from models_registry.inspection.reading import BadReading, reading_of
from tests.evaluations.engine_cast import Answer

TASK = Task("binary", ["no", "yes"])
AGES, SITES = [30.0, None, 51.5, 40.0, 22.0], ["Seoul", "Busan", None, "Daegu", "Seoul"]
COLUMNS = {
    "age": AGES,
    "site": SITES,
    "height": [1, 2, 3, 4, 5],
    "patient": ["p1", "p2", "p1", None, "p3"],
    "visit": [10, 11, 12, 13, 14],
    "ill": ["yes", "no", "no", "yes", "no"],
    "note": ["left", "out", "of", "it", "all"],
}
READING = {
    "features": [
        {"name": "height"},
        {"name": "age", "kind": "number", "mean": 40, "scale": 10, "fill": 40},
        {"name": "site", "kind": "category", "categories": ["Busan", "Seoul"]},
    ],
    "target": "ill",
    "slices": ["site"],
    "group": "patient",
    "row_id": "visit",
}
INPUTS = [[1, -1.0, 0, 1], [2, 0.0, 1, 0], [3, 1.15, 0, 0], [4, 0.0, 0, 0], [5, -1.8, 0, 1]]


def parquet(path, columns=COLUMNS, **options):
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path, **options)
    return path


def comma(path, columns=COLUMNS, **options):
    pacsv.write_csv(pa.table(columns), path, **options)
    return path


def whole(data):
    """All chunks as one: inputs, targets, codes."""
    held = list(data.chunks())
    assert [chunk.first_row for chunk in held] == list(np.cumsum([0, *(len(chunk.targets) for chunk in held)])[:-1])
    codes = {name: np.concatenate([chunk.columns[name] for chunk in held]) for name in held[0].columns}
    return torch.cat([chunk.inputs for chunk in held]), np.concatenate([chunk.targets for chunk in held]), codes


@pytest.mark.parametrize("write", [parquet, comma])
@pytest.mark.parametrize("at_once", [8192, 2])
def test_a_table_is_read_as_it_is_declared(tmp_path, monkeypatch, write, at_once):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", at_once)
    data = open_data(write(tmp_path / "file"), task=TASK, reading=READING)
    assert data.rows == 5 and data.columns == {"site": ["Busan", "Daegu", "Seoul"], "patient": [], "visit": []}
    x, y, codes = whole(data)
    assert x.dtype == torch.float32 and x.numpy() == pytest.approx(np.array(INPUTS))
    assert y.tolist() == [1, 0, 0, 1, 0]
    assert codes["site"].tolist() == [2, 0, -1, 1, 2] and codes["visit"].tolist() == [10, 11, 12, 13, 14]
    patient = codes["patient"]
    assert patient[0] == patient[2] > 0 and patient[3] == -1 and len({patient[0], patient[1], patient[4]}) == 3


@pytest.mark.parametrize(
    ("task", "target", "column", "expected"),
    [
        (Task("multiclass", ["a", "b", "c"]), "t", [2, 0, 1, 1, 0], [2, 0, 1, 1, 0]),
        (Task("multiclass", ["a", "b", "c"]), "t", ["2", "0", "b", "1", "a"], [2, 0, 1, 1, 0]),
        (TASK, "t", [True, False, False, True, True], [1, 0, 0, 1, 1]),
        (Task("regression", []), "t", [0.5, 1.0, -2.0, 3.25, 0.0], [0.5, 1.0, -2.0, 3.25, 0.0]),
        (Task("ranking", []), "t", [0, 3, 2, 1, 0], [0, 3, 2, 1, 0]),
    ],
)
def test_targets_stand_by_name_or_number(tmp_path, task, target, column, expected):
    path = parquet(tmp_path / "file", {**COLUMNS, target: column})
    _x, y, _codes = whole(open_data(path, task=task, reading={**READING, "target": target}))
    assert y.tolist() == expected


def test_labels_have_a_column_each(tmp_path):
    columns = {**COLUMNS, "red": [0, 1, 1, 0, 0], "blue": [True, False, True, False, True]}
    task = Task("multilabel", ["red", "blue"])
    _x, y, _codes = whole(
        open_data(parquet(tmp_path / "file", columns), task=task, reading={**READING, "target": ["red", "blue"]})
    )
    assert y.tolist() == [[0, 1], [1, 0], [1, 1], [0, 0], [0, 1]]


def test_a_semicolon_may_separate(tmp_path):
    path = comma(tmp_path / "file", write_options=pacsv.WriteOptions(delimiter=";"))
    assert open_data(path, task=TASK, reading={**READING, "delimiter": ";"}).rows == 5
    with pytest.raises(CannotMeasure, match="cannot be read as CSV"):
        open_data(path, task=TASK, reading=READING)


def test_a_table_is_measured_from_end_to_end(evaluate, tmp_path):
    path = parquet(tmp_path / "file")
    result = evaluate(
        Answer(lambda x: x[:, 1]),
        path=path,
        task="binary",
        classes=["no", "yes"],
        reading=READING,
        suite=[{"name": "performance"}],
    )
    assert result["rows"] == 5 and not result["not_run"]
    accuracy = next(m for m in result["metrics"] if m["name"] == "accuracy")
    assert accuracy["value"] == 0.4 and "effective" in accuracy["method"]  # the patients are a group


@pytest.mark.parametrize("write", [parquet, comma])
@pytest.mark.parametrize(
    ("columns", "reading", "sentence"),
    [
        ({}, {"target": "verdict"}, "verdict"),
        ({"ill": ["yes", "no", "perhaps", "yes", "no"]}, {}, "Row 2 .* 'perhaps', which is none of the model's classes"),
        ({"ill": ["yes", None, "no", "yes", "no"]}, {}, "Row 1 .* no target"),
        ({}, {"features": [{"name": "age"}]}, "Row 1 .* no value in 'age'"),
        ({"age": ["old", "young", "old", "old", "old"]}, {}, "'age' holds texts|cannot be read as CSV.*double"),
        ({"age": [1e300, 1, 2, 3, 4]}, {}, "Row 0 .* not a finite number"),
        ({}, {"features": [{"name": "weight"}]}, "weight"),
        ({"site": [f"s{i}" * 40 for i in range(5)]}, {}, "longer than 60 characters"),
        ({}, {"target": ["ill", "note"]}, "Only a multi-label model"),
    ],
)
def test_tables_that_do_not_fit_get_a_sentence(tmp_path, write, columns, reading, sentence):
    path = write(tmp_path / "file", {**COLUMNS, **columns})
    with pytest.raises(CannotMeasure, match=sentence):
        whole(open_data(path, task=TASK, reading={**READING, **reading}))


def test_columns_of_other_types_are_refused(tmp_path):
    path = parquet(tmp_path / "file", {**COLUMNS, "age": [[1.0], [2.0], [], [3.0], [4.0]]})
    with pytest.raises(CannotMeasure, match="'age' holds list"):
        open_data(path, task=TASK, reading=READING)


@pytest.mark.parametrize(
    "content",
    [b"PAR1 and then nothing of the kind", b"", b"\x00" * 100, b"a,b\n1,2,3\n", b"age,ill\n\xff\xfe,yes\n", b"PK\x03\x04 torn"],
)
def test_files_that_are_none_of_it_get_a_sentence(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(CannotMeasure):
        whole(open_data(tmp_path / "file", task=TASK, reading={"features": [{"name": "age"}], "target": "ill"}))


def test_a_table_needs_a_declaration(tmp_path):
    with pytest.raises(CannotMeasure, match="Declare with the version how its data are read"):
        open_data(parquet(tmp_path / "file"), task=TASK)
    with pytest.raises(CannotMeasure, match="cannot be followed: Declare either"):
        open_data(tmp_path / "file", task=TASK, reading={"target": "ill"})


def test_a_long_text_repeated_is_held_once(tmp_path):
    """A small file that would be 400 MB of text: its cells stay places in a dictionary."""
    n, long = 8000, "x" * 50_000
    columns = {"age": [1.0] * n, "ill": ["yes"] * n, "site": pa.array([long, "a"]).dictionary_encode().take(pa.array([0] * n))}
    path = parquet(tmp_path / "file", columns, store_schema=False)  # so that the reader finds texts, not a dictionary
    assert path.stat().st_size < 200_000
    reading = {"features": [{"name": "age"}], "target": "ill", "slices": ["site"]}
    before = pa.default_memory_pool().max_memory()
    with pytest.raises(CannotMeasure, match="longer than 1,000 characters"):
        open_data(path, task=TASK, reading=reading)
    assert pa.default_memory_pool().max_memory() <= max(before, 100 << 20)


def test_a_table_that_grows_is_read_in_batches(tmp_path):
    """Two million equal rows are 20 KB as Parquet and 100 MB unpacked; a chunk at a time is held."""
    n = 2_000_000
    path = parquet(tmp_path / "file", {"age": np.zeros(n), "ill": np.zeros(n, dtype=np.int64)}, compression="zstd")
    assert path.stat().st_size < 1_000_000
    rows = 0
    for chunk in open_data(path, task=TASK, reading={"features": [{"name": "age"}], "target": "ill"}).chunks():
        assert len(chunk.targets) <= 8192
        rows += len(chunk.targets)
    assert rows == n


# -- npz ------------------------------------------------------------------------------------------------------------------------

X, Y = np.arange(24, dtype=np.float32).reshape(6, 4), np.array([0, 1, 0, 1, 1, 0])


def npz(path, *, save=np.savez, **arrays):
    with path.open("wb") as file:
        save(file, **{"inputs": X, "targets": Y, **arrays})
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
def test_npz_is_read_in_chunks(tmp_path, monkeypatch, save, kind):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 4)
    path = npz(tmp_path / "file", save=save, inputs=X.astype(kind), **{"column.group": np.array([1, 1, 2, 2, -1, 3])})
    data = open_data(path, task=TASK)
    assert data.rows == 6 and data.columns == {"group": []}
    x, y, codes = whole(data)
    assert (x.numpy() == X).all() and y.tolist() == Y.tolist() and codes["group"].tolist() == [1, 1, 2, 2, -1, 3]
    assert x.dtype == (torch.int64 if kind is np.int64 else torch.float32)


class Marker:
    """Unpickled, it leaves a file behind."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (os.mkdir, (self.path,))


def test_objects_in_npz_are_refused_and_run_nothing(tmp_path):
    path = npz(tmp_path / "file", inputs=np.array([Marker(tmp_path / "ran")] * 6, dtype=object))
    with pytest.raises(CannotMeasure, match="Python objects, which are never loaded"):
        open_data(path, task=TASK)
    assert not (tmp_path / "ran").exists()


def with_header(path, header, content=b""):
    """An npz whose inputs have the given header."""
    text = header.encode() + b" " * (118 - len(header)) if len(header) < 118 else header.encode()
    member = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content
    npz(path.with_suffix(".whole"))
    with zipfile.ZipFile(path.with_suffix(".whole")) as source, zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inputs.npy", member)
        archive.writestr("targets.npy", source.read("targets.npy"))
    return path


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda p: npz(p, extra=Y), "and nothing else"),
        (lambda p: npz(p, inputs=np.asfortranarray(X)), "column by column"),
        (lambda p: npz(p, inputs=X.astype(np.float16)), "holds float16"),
        (lambda p: npz(p, inputs=X.astype(">f4")), "not as long as its header says"),
        (lambda p: npz(p, targets=Y.astype(np.float32)), "holds float32, not I64"),
        (lambda p: npz(p, targets=Y[:5]), "each row needs both"),
        (lambda p: npz(p, inputs=X[:0], targets=Y[:0]), "no rows"),
        (lambda p: npz(p, **{"column.a": np.zeros(6)}), "one whole number for each row"),
        (lambda p: npz(p, inputs=np.where(X == 5, np.nan, X)), "Row 1 .* not a finite"),
        (lambda p: with_header(p, "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }"), "not as long as"),
        (
            lambda p: with_header(p, "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1," * 40 + ")}"),
            "not as long as|no header",
        ),
        (lambda p: with_header(p, "__import__('os').mkdir('ran')"), "no header that can be read"),
        (lambda p: with_header(p, "(" * 110), "no header that can be read"),
    ],
)
def test_npz_that_does_not_fit_gets_a_sentence(tmp_path, monkeypatch, make, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CannotMeasure, match=sentence):
        whole(open_data(make(tmp_path / "file"), task=TASK))
    assert not (tmp_path / "ran").exists()


def test_an_npz_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = npz(tmp_path / "file", save=np.savez_compressed, inputs=np.zeros((6, 10_000_000), dtype=np.float32))
    assert path.stat().st_size < 1_000_000
    with pytest.raises(CannotMeasure, match=r"would grow 1,0.*-fold"):
        open_data(path, task=TASK)


# -- zips -----------------------------------------------------------------------------------------------------------------------


def zipped(path, members, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def test_zips_that_no_writer_makes_are_refused(tmp_path, monkeypatch):
    with pytest.warns(UserWarning, match="Duplicate"):
        zipped(tmp_path / "twice", [("a.npy", b"1"), ("a.npy", b"2")])
    with pytest.raises(CannotMeasure, match=r"holds 'a.npy' twice"):
        open_data(tmp_path / "twice", task=TASK)
    zipped(tmp_path / "bz2", [("a.npy", b"1")], compression=zipfile.ZIP_BZIP2)
    with pytest.raises(CannotMeasure, match="otherwise than by DEFLATE"):
        open_data(tmp_path / "bz2", task=TASK)
    content = bytearray(zipped(tmp_path / "secret", [("a.npy", b"1")]).read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(CannotMeasure, match="is encrypted"):
        open_data(tmp_path / "secret", task=TASK)
    monkeypatch.setattr(archives, "MOST_MEMBERS", 2)
    with pytest.raises(CannotMeasure, match="holds 3 members"):
        open_data(zipped(tmp_path / "many", [(f"{i}.npy", b"") for i in range(3)]), task=TASK)
    monkeypatch.setattr(archives, "MOST_BYTES", 10)
    with pytest.raises(CannotMeasure, match="would grow beyond"):
        open_data(zipped(tmp_path / "large", [("a.npy", b"1" * 11)]), task=TASK)
    with pytest.raises(CannotMeasure, match="is a zip"):
        open_data(zipped(tmp_path / "plain", [("a.txt", b"1")]), task=TASK)


# -- images ---------------------------------------------------------------------------------------------------------------------

PICTURE = {"image": {"column": "file", "size": [4, 6], "mode": "L"}, "target": "ill", "slices": ["site"]}
MANIFEST = "file,ill,site\nimages/a.png,yes,Seoul\nimages/b.jpg,no,\n"
GREY = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10


def drawn(pixels, kind="PNG", **options):
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, kind, **options)
    return held.getvalue()


def pictures(path, *, a=None, b=None, manifest=MANIFEST):
    second = drawn(np.full((40, 60, 3), 128, dtype=np.uint8), "JPEG", quality=95) if b is None else b
    members = [("images/a.png", drawn(GREY) if a is None else a), ("images/b.jpg", second)]
    return zipped(path, [*members, ("manifest.csv", manifest)] if manifest is not None else members)


def test_images_are_read_by_their_manifest(tmp_path):
    data = open_data(pictures(tmp_path / "file"), task=TASK, reading=PICTURE)
    assert data.rows == 2 and data.columns == {"site": ["Seoul"]}
    x, y, codes = whole(data)
    assert x.shape == (2, 1, 4, 6) and x[0, 0].numpy() == pytest.approx(GREY / 255.0)
    assert x[1].numpy() == pytest.approx(128 / 255, abs=0.01)
    assert y.tolist() == [1, 0] and codes["site"].tolist() == [0, -1]


def test_images_are_brought_to_the_declared_colours(tmp_path):
    declared = {"column": "file", "size": [2, 2], "mode": "RGB", "mean": [0.5, 0.5, 0.5], "scale": [0.5, 0.25, 1.0]}
    red = drawn(np.full((3, 3, 3), [255, 0, 128], dtype=np.uint8))
    data = open_data(pictures(tmp_path / "file", a=red), task=TASK, reading={**PICTURE, "image": declared})
    x, _y, _codes = whole(data)
    assert x[0, :, 0, 0].numpy() == pytest.approx([1.0, -2.0, 128 / 255 - 0.5], abs=1e-5)


def huge_png(width, height):
    """A PNG of a few kilobytes that promises width x height pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"manifest": None}, "has no manifest.csv"),
        ({"manifest": "file,ill,site\nimages/c.png,yes,x\n"}, "'images/c.png', which is not in the zip"),
        ({"manifest": "file,ill,site\n../../etc/passwd,yes,x\n"}, "which is not in the zip"),
        ({"manifest": "file,ill\nimages/a.png,yes\n"}, "site"),
        ({"manifest": "file,ill,site\n"}, "no rows"),
        ({"a": b"no image"}, "cannot be read as a PNG or JPEG"),
        ({"a": drawn(GREY)[:60]}, "cannot be read as a PNG or JPEG"),
        ({"a": drawn(GREY, "GIF")}, "cannot be read as a PNG or JPEG"),
        ({"a": huge_png(9_000, 9_000)}, "9000 × 9000 pixels"),
        ({"a": huge_png(200_000, 200_000)}, "cannot be read|pixels"),
    ],
)
def test_images_that_cannot_be_measured_on_get_a_sentence(tmp_path, parts, sentence, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", False)  # as in the child; WeasyPrint sets it where reports are made
    with pytest.raises(CannotMeasure, match=sentence):
        whole(open_data(pictures(tmp_path / "file", **parts), task=TASK, reading=PICTURE))


# -- the declaration ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ([], "as an object"),
        ({"target": "t"}, "either the features"),
        ({"features": [{"name": "a"}], "image": {}, "target": "t"}, "either the features"),
        ({"features": [], "target": "t"}, "1 to 10,000 columns"),
        ({"features": [{"name": "a"}]}, "The target names"),
        ({"features": [{"name": "a"}], "target": []}, "The target names"),
        ({"features": [{"name": "a"}], "target": ["t", "t"]}, "The target names"),
        ({"features": [{"name": "a"}], "target": "a"}, "both an input and the target"),
        ({"features": [{"name": "a"}, {"name": "a"}], "target": "t"}, "named twice"),
        ({"features": ["a"], "target": "t"}, "Each feature is an object"),
        ({"features": [{"name": "a", "kind": "colour"}], "target": "t"}, "is a number .* or a category"),
        ({"features": [{"name": "a", "scale": 0}], "target": "t"}, "the scale is not 0"),
        ({"features": [{"name": "a", "mean": float("nan")}], "target": "t"}, "finite numbers"),
        ({"features": [{"name": "a", "mean": True}], "target": "t"}, "finite numbers"),
        ({"features": [{"name": "a", "kind": "category"}], "target": "t"}, "lists its categories"),
        ({"features": [{"name": "a", "kind": "category", "categories": ["x", "x"]}], "target": "t"}, "lists its categories"),
        ({"features": [{"name": "a"}], "target": "t", "slices": "site"}, "Slices are a list"),
        ({"features": [{"name": "a"}], "target": "t", "group": 3}, "The group is the name"),
        ({"features": [{"name": "a"}], "target": "t", "row_id": "x" * 61}, "The row id is the name"),
        ({"features": [{"name": "a"}], "target": "t", "delimiter": "x"}, "delimiter"),
        ({"features": [{"name": "a"}], "target": "t", "shell": "x"}, "no part 'shell'"),
        ({"image": {"size": [0, 4]}, "target": "t"}, "has a size"),
        ({"image": {"size": [4, 4], "mode": "CMYK"}, "target": "t"}, "has a size"),
        ({"image": {"size": [4, 4], "mean": [0.5]}, "target": "t"}, "3 finite numbers each"),
        ({"image": {"size": [4, 4], "scale": [0, 1, 1]}, "target": "t"}, "scale of an image is not 0"),
        ({"image": {"size": [4, 4], "url": "x"}, "target": "t"}, "has a column"),
    ],
)
def test_a_declaration_that_cannot_be_followed_gets_a_sentence(declared, sentence):
    with pytest.raises(BadReading, match=re.compile(sentence)):
        reading_of(declared)


def test_damage_anywhere_in_a_zip_is_told_in_a_sentence(tmp_path):
    """Each byte is changed once: whatever zipfile, zlib, numpy and Pillow raise of that is a refusal."""
    small = {"a": drawn(GREY[:2, :2]), "b": drawn(GREY[:2, :2])}
    members = [("images/a.png", small["a"]), ("images/b.jpg", small["b"]), ("manifest.csv", MANIFEST)]
    cases = [
        (npz(tmp_path / "arrays", save=np.savez_compressed), None),
        (zipped(tmp_path / "pictures", members, compression=zipfile.ZIP_DEFLATED), PICTURE),
    ]
    for path, reading in cases:
        sound, refused = path.read_bytes(), 0
        for place in range(len(sound)):
            path.write_bytes(sound[:place] + bytes([sound[place] ^ 0xFF]) + sound[place + 1 :])
            try:
                whole(open_data(path, task=TASK, reading=reading))
            except CannotMeasure as refusal:
                refused += 1
                assert str(refusal).strip() and "\n" not in str(refusal)
        assert refused > len(sound) / 2


@pytest.mark.parametrize("kind", [pa.string(), pa.dictionary(pa.int32(), pa.string())])
@pytest.mark.parametrize("column", ["site", "ill", "patient"])
def test_texts_that_are_none_are_refused(tmp_path, kind, column):
    spoilt = pa.array([b"Seoul", b"\x9e\xff", None, b"Seoul", b"Busan"]).view(pa.string())
    table = pa.table({**COLUMNS, column: spoilt.dictionary_encode() if pa.types.is_dictionary(kind) else spoilt})
    with pytest.raises(CannotMeasure, match="not UTF-8"):
        whole(open_data(parquet(tmp_path / "file", table), task=TASK, reading=READING))


def test_a_member_without_a_name_is_refused(tmp_path):
    path = zipped(tmp_path / "file", [("#1", b"1"), ("a.npy", b"2")])
    path.write_bytes(path.read_bytes().replace(b"#1", b"\0" + b"1"))  # a name ends at its first zero
    with pytest.raises(CannotMeasure, match="without a name"):
        open_data(path, task=TASK)
