"""More hostile files: the gadgets that scanners of pickles have missed, each in a file of its own. As in `attacks`, each payload
touches a marker file, and all of them do run when they are loaded without protection (a test proves it)."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import cloudpickle
import joblib
import numpy as np

from tests.inspection.attacks import PROTOCOL, Builder, as_torch, as_torch_stream, call, python, text, touch


def _called(module: str, name: str, *arguments: bytes) -> bytes:
    """What `module.name(…)` gives, for a pickle to go on with. A name with dots is looked up step by step."""
    if "." in name:
        found = b"\x8c" + bytes([len(module)]) + module.encode() + b"\x8c" + bytes([len(name)]) + name.encode() + b"\x93"
    else:
        found = b"c" + f"{module}\n{name}\n".encode()
    return found + b"(" + b"".join(arguments) + b"tR"


def _zipped(make: Callable[[Path], bytes], protocol: bytes = PROTOCOL) -> Builder:
    return lambda path, marker: as_torch(path, protocol + make(marker) + b".")


def _hub(path: Path, marker: Path) -> None:
    (path.parent / "hubconf.py").write_text(f"def model():\n    {python(marker)}\n")
    as_torch(path, PROTOCOL + _called("torch.hub", "_load_local", text(str(path.parent)), text("model")) + b".")


def _loads_another(path: Path, marker: Path) -> None:
    inner = path.with_suffix(".inner")
    as_torch(inner, call("os", "system", touch(marker)))
    options = PROTOCOL + b"cfunctools\npartial\n(ctorch.serialization\nload\ntR}" + text("weights_only") + b"\x89s"
    state = b"(ctorch.serialization\nload\n)" + options.split(b"tR", 1)[1] + b"}tb"
    as_torch(path, options.split(b"}", 1)[0] + state + b"(" + text(str(inner)) + b"tR.")


class _Payload:
    def __init__(self, code: str) -> None:
        self.code = code

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return exec, (self.code,)


def _objects(save: Callable[[Path, np.ndarray], object]) -> Builder:
    def build(path: Path, marker: Path) -> None:
        save(path, np.array([_Payload(python(marker))], dtype=object))

    return build


def _npz(path: Path, array: np.ndarray) -> None:
    with path.open("wb") as file:
        np.savez(file, array)


def _npy(path: Path, array: np.ndarray) -> None:
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=True)


def _with_code(path: Path, marker: Path) -> None:
    """A function by value, called while it is loaded."""
    code = python(marker)
    function = cloudpickle.dumps(lambda: exec(code), protocol=2)  # noqa: S102 - the attack itself
    as_torch(path, function[:-1] + b")R.")


def _by_joblib(path: Path, marker: Path) -> None:
    joblib.dump(_Payload(python(marker)), path)


def _root_confusion(path: Path, marker: Path) -> None:
    """Which folder counts depends on the reader: the first, or the one that is named like the file."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", call("os", "system", touch(marker)))
        archive.writestr("archive/version", "3\n")
        archive.writestr("other/data.pkl", PROTOCOL + b"}.")


def _duplicate_first(path: Path, marker: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", call("os", "system", touch(marker)))
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/data.pkl", PROTOCOL + b"}.")


def _nested(path: Path, marker: Path) -> None:
    inner = io.BytesIO()
    as_torch_stream(inner, call("os", "system", touch(marker)))
    path.write_bytes(pickle.dumps({"model": inner.getvalue()}, 2))


def _methodcaller(marker: Path) -> bytes:
    return _called("operator", "methodcaller", text("touch")) + b"(" + _called("pathlib", "Path", text(str(marker))) + b"tR"


def _bdb(marker: Path) -> bytes:
    return _called("bdb", "Bdb.run", _called("bdb", "Bdb"), text(python(marker)))


def _uuid(marker: Path) -> bytes:
    return _called("uuid", "_get_command_stdout", text("touch"), text(str(marker)))


P4 = b"\x80\x04"
RUNS_CODE: dict[str, tuple[str, Builder]] = {
    "codecs_open.pt": ("forbidden_global", _zipped(lambda m: _called("codecs", "open", text(str(m)), text("w")))),
    "file_io.pt": ("forbidden_global", _zipped(lambda m: _called("_io", "FileIO", text(str(m)), text("w")))),
    "io_open.pt": ("forbidden_global", _zipped(lambda m: _called("io", "open", text(str(m)), text("w")))),
    "os_mkdir.pt": ("forbidden_global", _zipped(lambda m: _called("os", "mkdir", text(str(m))))),
    "spawn.pt": (
        "forbidden_global",
        _zipped(lambda m: _called("subprocess", "call", b"](" + text("touch") + text(str(m)) + b"e")),
    ),
    "distutils.pt": (
        "forbidden_global",
        _zipped(lambda m: _called("setuptools._distutils.spawn", "spawn", b"](" + text("touch") + text(str(m)) + b"e")),
    ),
    "interpreter.pt": (
        "forbidden_global",
        _zipped(
            lambda m: _called(
                "code", "InteractiveInterpreter.runsource", _called("code", "InteractiveInterpreter"), text(python(m))
            ),
            P4,
        ),
    ),
    "numpy_runstring.pt": (
        "forbidden_global",
        _zipped(lambda m: _called("numpy.testing._private.utils", "runstring", text(python(m)), b"}")),
    ),
    "numpy_f2py.pt": (
        "forbidden_global",
        _zipped(lambda m: _called("numpy.f2py.crackfortran", "getlincoef", text(python(m)), b"}")),
    ),
    "methodcaller.pt": ("forbidden_global", _zipped(_methodcaller)),
    "path_touch.pt": (
        "forbidden_global",
        _zipped(lambda m: _called("pathlib", "Path.touch", _called("pathlib", "Path", text(str(m)))), P4),
    ),
    "resolve_name.pt": (
        "forbidden_global",
        _zipped(lambda m: _called("pkgutil", "resolve_name", text("os:system")) + b"(" + text(touch(m)) + b"tR"),
    ),
    "debugger.pt": ("forbidden_global", _zipped(_bdb, P4)),
    "fx_guards.pt": (
        "forbidden_global",
        _zipped(
            lambda m: _called(
                "torch.fx.experimental.symbolic_shapes", "ShapeEnv.evaluate_guards_expression", b"N", text(python(m)), b")"
            ),
            P4,
        ),
    ),
    "inductor.pt": (
        "forbidden_global",
        _zipped(lambda m: _called("torch._inductor.codecache", "PyCodeCache.load", text(python(m))), P4),
    ),
    "unsupported_ops.pt": (
        "forbidden_global",
        _zipped(lambda m: _called("torch.jit.unsupported_tensor_ops", "execWrapper", text(python(m)), b"}", b"}")),
    ),
    "torch_os.pt": ("forbidden_global", _zipped(lambda m: _called("torch.serialization", "os.system", text(touch(m))), P4)),
    "hub.pt": ("forbidden_global", _hub),
    "loads_another.pt": ("forbidden_global", _loads_another),
    "cloudpickle.pt": ("forbidden_global", _with_code),
    "joblib.joblib": ("forbidden_global", _by_joblib),
    "objects.npy": ("format", _objects(_npy)),
    "objects.npz": ("format", _objects(_npz)),
    "bare.json": ("forbidden_global", lambda path, marker: path.write_bytes(call("os", "system", touch(marker)))),
}
LIES: dict[str, tuple[str, Builder]] = {
    "mkstemp.pt": ("forbidden_global", _zipped(lambda m: _called("tempfile", "mkstemp"))),
    "loadtxt.pt": ("forbidden_global", _zipped(lambda m: _called("numpy", "loadtxt", text("/etc/hostname")))),
    "dynamo_config.pt": ("forbidden_global", _zipped(lambda m: _called("torch._dynamo", "config.load_config", text("")), P4)),
    "uuid_getcmd.pt": ("forbidden_global", _zipped(_uuid)),
    "root_confusion.pt": ("several_roots", _root_confusion),
    "duplicate_first.pt": ("duplicate_member", _duplicate_first),
    "bytes_of_another.pkl": ("format", _nested),
    "huge_string.pt": ("pickle_broken", _zipped(lambda m: b"X" + struct.pack("<I", 1 << 31))),
}
