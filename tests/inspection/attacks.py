"""Hostile files, made here and harmless: each payload touches a marker file, and nothing else.

`RUNS_CODE` are files that do run their payload when they are loaded without protection (a test proves it); `LIES` are files
that exhaust memory, hide bytes or mean different things to different readers.
"""

from __future__ import annotations

import io
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

Builder = Callable[[Path, Path], None]  # where to write, which marker the payload touches
PROTOCOL = b"\x80\x02"
MAGIC = 0x1950A86A20F9469CFC6C


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def call(module: str, name: str, *arguments: str) -> bytes:
    """A pickle that calls `module.name` with texts when it is loaded."""
    return PROTOCOL + b"c" + f"{module}\n{name}\n".encode() + b"(" + b"".join(map(text, arguments)) + b"tR."


def touch(marker: Path) -> str:
    return f"touch {marker}"


def python(marker: Path) -> str:
    return f"open({str(marker)!r}, 'w').close()"


def as_torch(path: Path, data: bytes, *, root: str = "archive", compression: int = zipfile.ZIP_STORED) -> None:
    """The smallest archive that torch loads: a pickle and a version."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr(f"{root}/data.pkl", data)
        archive.writestr(f"{root}/version", "3\n")


def as_torch_with_storage(path: Path, data: bytes) -> None:
    """An archive with that pickle (its protocol and end are added) and one storage of four numbers."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", PROTOCOL + data + b".")
        archive.writestr("archive/data/0", b"\0" * 16)
        archive.writestr("archive/version", "3\n")


def weights(path: Path, **options: Any) -> None:
    torch.save({"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.zeros(2)}, path, **options)


def _zipped(data: Callable[[Path], bytes], **options: Any) -> Builder:
    return lambda path, marker: as_torch(path, data(marker), **options)


def _bare(data: Callable[[Path], bytes]) -> Builder:
    def build(path: Path, marker: Path) -> None:
        path.write_bytes(data(marker))

    return build


def _os_system(marker: Path) -> bytes:
    return call("os", "system", touch(marker))


def _nested(loader: tuple[str, str]) -> Callable[[Path], bytes]:
    def make(marker: Path) -> bytes:
        inner = _os_system(marker)
        return PROTOCOL + b"c" + "\n".join(loader).encode() + b"\n(" + b"B" + struct.pack("<I", len(inner)) + inner + b"tR."

    return make


def _nested_torch(marker: Path) -> bytes:
    inner = io.BytesIO()
    as_torch_stream(inner, _os_system(marker))
    data = inner.getvalue()
    return PROTOCOL + b"ctorch.storage\n_load_from_bytes\n(B" + struct.pack("<I", len(data)) + data + b"tR."


def as_torch_stream(stream: io.BytesIO, data: bytes) -> None:
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", "3\n")


def _short(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def _stack_global(marker: Path) -> bytes:
    return b"\x80\x04" + _short("posix") + b"\x94" + _short("system") + b"\x94\x93(" + text(touch(marker)) + b"tR."


def _stack_global_by_memo(marker: Path) -> bytes:
    """The names lie in the memo, behind decoys that a careless reader would take for them."""
    names = _short("system") + b"\x940" + _short("posix") + b"\x940" + _short("torch") + b"0"
    return b"\x80\x04" + names + b"h\x01h\x00\x93(" + text(touch(marker)) + b"tR."


def _inst(marker: Path) -> bytes:
    return PROTOCOL + b"(" + text(touch(marker)) + b"ios\nsystem\n."


def _obj(marker: Path) -> bytes:
    return PROTOCOL + b"(cos\nsystem\n" + text(touch(marker)) + b"o."


def _dotted(marker: Path) -> bytes:
    return b"\x80\x04" + _short("torch") + _short("os.system") + b"\x93(" + text(touch(marker)) + b"tR."


def _getattr(marker: Path) -> bytes:
    return (
        PROTOCOL
        + b"cbuiltins\ngetattr\n(cos\n__dict__\n"
        + text("get")
        + b"tR("
        + text("system")
        + b"tR("
        + text(touch(marker))
        + b"tR."
    )


def _in_a_state_dict(marker: Path) -> bytes:
    return PROTOCOL + b"}(" + text("weight") + _os_system(marker)[2:-1] + b"u."


def _without_stop(marker: Path) -> bytes:
    return _os_system(marker)[:-1]


def _broken_behind(marker: Path) -> bytes:
    return _os_system(marker)[:-1] + b"\xff\xff."


def _legacy(place: int) -> Builder:
    """A legacy file, one of whose five pickles is the payload."""

    def build(path: Path, marker: Path) -> None:
        info = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
        plain = [pickle.dumps(value, 2) for value in (MAGIC, 1001, info, {}, [])]
        plain[place] = _os_system(marker)
        path.write_bytes(b"".join(plain))

    return build


def _tar(path: Path, marker: Path) -> None:
    """The format of the first releases: torch.load tries it before pickles."""
    with tarfile.open(path, "w") as archive:
        for name, data in (
            ("sys_info", pickle.dumps({"protocol_version": 1000, "little_endian": True, "type_sizes": {}}, 2)),
            ("pickle", _os_system(marker)),
            ("tensors", pickle.dumps(0, 2)),
            ("storages", pickle.dumps(0, 2) + pickle.dumps([], 2)),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def _bad_crc(path: Path, marker: Path) -> None:
    as_torch(path, _os_system(marker))
    data = bytearray(path.read_bytes())
    for start in (14, data.find(b"PK\x01\x02") + 16):  # the checksum in the local header and in the directory
        data[start : start + 4] = b"\0\0\0\1"
    path.write_bytes(data)


def _duplicate(path: Path, marker: Path) -> None:
    """Two members of one name: which of them torch reads depends on how many others there are."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", PROTOCOL + b"}.")
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/data.pkl", _os_system(marker))


def _encrypted(where: str) -> Builder:
    def build(path: Path, marker: Path) -> None:
        as_torch(path, _os_system(marker))
        data = bytearray(path.read_bytes())
        data[6 if where == "local" else data.find(b"PK\x01\x02") + 8] |= 1
        path.write_bytes(data)

    return build


def _other_local_name(path: Path, marker: Path) -> None:
    as_torch(path, _os_system(marker))
    data = path.read_bytes()
    path.write_bytes(data.replace(b"archive/data.pkl", b"archive/good.pkl", 1))


def _prefix(path: Path, marker: Path) -> None:
    """A pickle to one reader, an archive to another."""
    inner = io.BytesIO()
    as_torch_stream(inner, PROTOCOL + b"}.")
    path.write_bytes(_os_system(marker) + inner.getvalue())


def _upper_case(path: Path, marker: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/DATA.PKL", _os_system(marker))
        archive.writestr("archive/version", "3\n")


RUNS_CODE: dict[str, tuple[str, Builder]] = {
    # the reason that must be among those given, and how the file is made
    "os_system.pt": ("forbidden_global", _zipped(_os_system)),
    "posix_system.pt": ("forbidden_global", _zipped(lambda m: call("posix", "system", touch(m)))),
    "builtins_eval.pt": ("forbidden_global", _zipped(lambda m: call("builtins", "eval", python(m)))),
    "builtins_exec_of_python_2.pt": ("forbidden_global", _zipped(lambda m: call("__builtin__", "exec", python(m)))),
    "subprocess_getoutput.pt": ("forbidden_global", _zipped(lambda m: call("subprocess", "getoutput", touch(m)))),
    "timeit.pt": ("forbidden_global", _zipped(lambda m: call("timeit", "timeit", "pass", python(m)))),
    "cprofile.pt": ("forbidden_global", _zipped(lambda m: call("cProfile", "run", python(m)))),
    "pydoc.pt": ("forbidden_global", _zipped(lambda m: call("pydoc", "pipepager", "", touch(m)))),
    "torch_collect_env.pt": ("forbidden_global", _zipped(lambda m: call("torch.utils.collect_env", "run", touch(m)))),
    "file_handler.pt": ("forbidden_global", _zipped(lambda m: call("logging", "FileHandler", str(m)))),
    "sqlite.pt": ("forbidden_global", _zipped(lambda m: call("_sqlite3", "connect", str(m)))),
    "inside_a_state_dict.pt": ("forbidden_global", _zipped(_in_a_state_dict)),
    "nested_pickle.pt": ("forbidden_global", _zipped(_nested(("pickle", "loads")))),
    "nested_torch.pt": ("forbidden_global", _zipped(_nested_torch)),
    "stack_global.pt": ("forbidden_global", _zipped(_stack_global)),
    "stack_global_by_memo.pt": ("forbidden_global", _zipped(_stack_global_by_memo)),
    "inst.pt": ("forbidden_global", _zipped(_inst)),
    "obj.pt": ("forbidden_global", _zipped(_obj)),
    "dotted.pt": ("forbidden_global", _zipped(_dotted)),
    "without_stop.pt": ("pickle_broken", _zipped(_without_stop)),
    "broken_behind.pt": ("pickle_broken", _zipped(_broken_behind)),
    "deflated.pt": ("forbidden_global", _zipped(_os_system, compression=zipfile.ZIP_DEFLATED)),
    "legacy_magic.pth": ("forbidden_global", _legacy(0)),
    "legacy_version.pth": ("forbidden_global", _legacy(1)),
    "legacy_sys_info.pth": ("forbidden_global", _legacy(2)),
    "legacy_object.pth": ("forbidden_global", _legacy(3)),
    "legacy_keys.pth": ("forbidden_global", _legacy(4)),
    "tar.pt": ("format", _tar),
    "bare_protocol_0.pkl": ("forbidden_global", _bare(lambda m: b"cos\nsystem\n(V" + touch(m).encode() + b"\ntR.")),
    "bare_protocol_2.pkl": ("forbidden_global", _bare(_os_system)),
    "bare_protocol_4.pt": ("forbidden_global", _bare(_stack_global)),
    "bare.safetensors": ("forbidden_global", _bare(_os_system)),
    "bare_without_a_suffix": ("forbidden_global", _bare(_os_system)),
    "bad_crc.pt": ("bad_checksum", _bad_crc),
    "duplicate_member.pt": ("duplicate_member", _duplicate),
    "encrypted_locally.pt": ("local_header", _encrypted("local")),
    "other_local_name.pt": ("local_header", _other_local_name),
    "polyglot.pt": ("forbidden_global", _prefix),
    "upper_case.pt": ("misspelt_member", _upper_case),
}


def _state(path: Path, entries: bytes, storages: dict[str, bytes]) -> None:
    """A state_dict whose pickle is written by hand: `entries` are its keys and values."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", PROTOCOL + b"}(" + entries + b"u.")
        for key, data in storages.items():
            archive.writestr(f"archive/data/{key}", data)
        archive.writestr("archive/version", "3\n")


def number(value: int) -> bytes:
    data = value.to_bytes(9, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def numbers(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def tensor(shape: tuple[int, ...], strides: tuple[int, ...], *, offset: int = 0, count: int = 4, key: str = "0") -> bytes:
    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text("cpu") + number(count) + b"tQ"
    hooks = b"ccollections\nOrderedDict\n)R"
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + storage
        + number(offset)
        + numbers(shape)
        + numbers(strides)
        + b"\x89"
        + hooks
        + b"tR"
    )


def _lie(entries: bytes, **storages: bytes) -> Builder:
    held = {key.removeprefix("s"): data for key, data in storages.items()} or {"0": b"\0" * 16}
    return lambda path, marker: _state(path, entries, held)


def _edit(change: Callable[[bytes], bytes]) -> Builder:
    def build(path: Path, marker: Path) -> None:
        as_torch(path, PROTOCOL + b"}" + text("w") + tensor((4,), (1,)) + b"s.")
        path.write_bytes(change(path.read_bytes()))

    return build


def _add(name: str, data: bytes, compression: int = zipfile.ZIP_STORED) -> Builder:
    def build(path: Path, marker: Path) -> None:
        weights(path)
        with zipfile.ZipFile(path, "a", compression) as archive:
            archive.writestr(name.format(root=path.stem), data)

    return build


def _two_pickles(path: Path, marker: Path) -> None:
    as_torch(path, PROTOCOL + b"}." + _os_system(marker))


def _hidden_between(path: Path, marker: Path) -> None:
    """Bytes between the members and the directory, whose place in the end record is moved along."""
    weights_by_zipfile(path)
    data = path.read_bytes()
    start = data.find(b"PK\x01\x02")
    end = bytearray(data[start:])
    at = end.rfind(b"PK\x05\x06") + 16
    end[at : at + 4] = struct.pack("<I", start + 100)
    path.write_bytes(data[:start] + b"H" * 100 + end)


def weights_by_zipfile(path: Path) -> None:
    _state(path, text("w") + tensor((4,), (1,)), {"0": b"\0" * 16})


def _save(make: Callable[[], Any], **options: Any) -> Builder:
    return lambda path, marker: torch.save(make(), path, **options)


def _deep(path: Path, marker: Path) -> None:
    as_torch(path, PROTOCOL + b"}" + text("w") + b")" + b"\x85" * 200_000 + b"s.")


def _deep_key(path: Path, marker: Path) -> None:
    """A key so deeply nested that hashing it would overflow the C stack."""
    as_torch(path, PROTOCOL + b"})" + b"\x85" * 200_000 + b"K\x01s.")


def _laughs(path: Path, marker: Path) -> None:
    levels = b"".join(b"](" + (b"h" + bytes([n])) * 10 + b"eq" + bytes([n + 1]) for n in range(60))
    as_torch(path, PROTOCOL + b"]q\x00" + levels + b".")


def _huge_legacy(path: Path, marker: Path) -> None:
    torch.save({"w": torch.zeros(4)}, path, _use_new_zipfile_serialization=False)
    data = bytearray(path.read_bytes())
    data[-24:-16] = struct.pack("<q", 1 << 33)
    path.write_bytes(data)


def _sparse() -> dict[str, torch.Tensor]:
    return {"w": torch.sparse_coo_tensor(torch.tensor([[0]]), torch.tensor([1.0]), (4,))}


def _quantized() -> dict[str, torch.Tensor]:
    return {"w": torch.quantize_per_tensor(torch.zeros(2), 0.1, 0, torch.qint8)}


LIES: dict[str, tuple[str, Builder]] = {
    "importlib_only.pt": ("forbidden_global", _zipped(lambda m: call("importlib", "import_module", "antigravity"))),
    "bytearray_32_GiB.pt": (
        "forbidden_global",
        _zipped(lambda m: PROTOCOL + b"cbuiltins\nbytearray\n(" + number(32 << 30) + b"tR."),
    ),
    "stride_0.pt": ("lying_tensor", _lie(text("w") + tensor((1 << 38,), (0,)))),
    "beyond_its_storage.pt": ("lying_tensor", _lie(text("w") + tensor((2, 2), (1 << 40, 1)))),
    "offset_beyond.pt": ("lying_tensor", _lie(text("w") + tensor((4,), (1,), offset=1))),
    "negative_stride.pt": ("pickle_misshapen", _lie(text("w") + tensor((4,), (-1,)))),
    "storage_larger_than_its_bytes.pt": ("storage_size", _lie(text("w") + tensor((8,), (1,), count=8))),
    "storage_of_two_sizes.pt": (
        "pickle_misshapen",
        _lie(text("w") + tensor((4,), (1,)) + text("v") + tensor((2,), (1,), count=2)),
    ),
    "missing_storage.pt": ("storage_size", _lie(text("w") + tensor((4,), (1,), key="7"), s0=b"\0" * 16)),
    "unclaimed_storage.pt": ("hidden_bytes", _lie(text("w") + tensor((4,), (1,)), s0=b"\0" * 16, s1=b"payload")),
    "setitem_on_a_tensor.pt": ("pickle_misshapen", _zipped(lambda m: PROTOCOL + tensor((4,), (1,)) + text("k") + b"K\x01s.")),
    "stack_underflow.pt": ("pickle_misshapen", _zipped(lambda m: PROTOCOL + b"RRR.")),
    "sparse.pt": ("forbidden_global", _save(_sparse)),
    "quantized.pt": ("forbidden_global", _save(_quantized)),
    "legacy_huge_storage.pth": ("storage_size", _huge_legacy),
    "deep_nesting.pt": ("not_weights", _deep),
    "deep_key.pt": ("pickle_misshapen", _deep_key),
    "billion_laughs.pt": ("not_weights", _laughs),
    "two_pickles.pt": ("hidden_bytes", _two_pickles),
    "zip_bomb.pt": ("zip_bomb", _add("{root}/data/9", b"\0" * (64 << 20), zipfile.ZIP_DEFLATED)),
    "packed_weights.pt": ("packed_weights", _add("{root}/data/9", b"\0" * 4096, zipfile.ZIP_DEFLATED)),
    "code_inside.pt": ("unexpected_member", _add("{root}/code/__torch__.py", b"pass")),
    "path_traversal.pt": ("unsafe_member", _add("{root}/../../etc/passwd", b"x")),
    "two_roots.pt": ("several_roots", _add("other/data.pkl", b"x")),
    "case_collision.pt": ("duplicate_member", _add("{root}/DATA.pkl", b"x")),
    "encrypted_in_the_directory.pt": ("encrypted_member", _encrypted("directory")),
    "truncated.pt": ("zip_end", _edit(lambda data: data[:-10])),
    "bytes_behind.pt": ("zip_end", _edit(lambda data: data + b"more")),
    "bytes_before.pt": ("format", _edit(lambda data: b"more" + data)),
    "comment.pt": ("zip_end", _edit(lambda data: data[:-2] + b"\4\0more")),
    "comment_without_text.pt": ("zip_end", _edit(lambda data: data[:-2] + b"\4\0")),
    "bytes_between.pt": ("hidden_bytes", _hidden_between),
}
