"""Which foreign names a pickle may carry for its tensors still to be had: names of classes, which stay names.

Nothing is imported and nothing is called, whatever stands here: an object of a foreign class becomes a record of its name,
its arguments and its state. The lists decide which files are still taken for checkpoints that somebody saved carelessly, and
which for programs in disguise. Of Python itself, torch and numpy a name is refused unless it is listed; of other libraries
and of people's own code a class is let through, a function only as a value that nobody calls.
"""

from __future__ import annotations

import re
import sys

_PLAIN = {
    "argparse": "Namespace",
    "builtins": "bool bytes complex dict float frozenset int list object range set slice str tuple",
    "collections": "Counter OrderedDict defaultdict deque",
    "copyreg": "_reconstructor",
    "datetime": "date datetime time timedelta timezone",
    "decimal": "Decimal",
    "fractions": "Fraction",
    "functools": "partial",
    "numpy": "dtype ndarray",
    "pathlib": "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath",
    "pathlib._local": "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath",
    "torch": "Tensor strided contiguous_format channels_last preserve_format",
    "torch.distributed": "ReduceOp",
    "types": "SimpleNamespace",
    "typing": "Any Dict List Optional Tuple Union",
    "uuid": "UUID",
} | dict.fromkeys(("numpy.core.multiarray", "numpy._core.multiarray"), "_reconstruct scalar")
_LISTED = frozenset((module, name) for module, names in _PLAIN.items() for name in names.split())
# Where torch keeps layers, optimizers and the functions that layers hold as their activation.
_OF_TORCH = re.compile(
    r"torch\.(nn\.(modules|parallel|parameter|functional|init)|optim|_C\._nn|distributions|amp|cuda\.amp)(\.\w+)*", re.ASCII
)
# Python 2 called some modules otherwise; pickles of protocol 2, torch's own, still do.
_OF_PYTHON_2 = {"__builtin__": "builtins", "copy_reg": "copyreg", "exceptions": "builtins"}
_GONE = {  # of the standard library, in some version or other
    "asynchat", "asyncore", "cPickle", "commands", "dircache", "distutils", "imp", "mimify", "nt", "os2emxpath",
    "pipes", "popen2", "posix", "posixfile", "rexec", "smtpd", "statvfs", "thread", "lib2to3", "msilib",
    "_winreg", "urllib2", "httplib", "telnetlib", "cgi", "crypt", "nis", "spwd", "pydoc_data", "idlelib", "turtledemo",
}  # fmt: skip
_CARRIERS = {  # their pickles hold code, or more pickles, or they start programs
    "IPython", "_pytest", "cffi", "cloudpickle", "dill", "fabric", "fsspec", "ipykernel", "invoke", "joblib", "jsonpickle",
    "numba", "paramiko", "pexpect", "pip", "pkg_resources", "plumbum", "psutil", "pytest", "scipy", "setuptools", "sh",
    "skops", "sympy", "tensorflow", "torch_package", "triton", "wheel",
}  # fmt: skip
_CLOSED = frozenset(sys.stdlib_module_names) | _GONE | _CARRIERS | {"torch", "numpy", "torchgen", "functorch"}
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_CLASS = re.compile(r"_*[A-Z]\w*")
# `Learner.export` keeps functions as code; there is no telling its weights from its program.
_OF_FASTAI = re.compile(r"fastai(\.\w+)*\.learner|fastai\.callback(\.\w+)*|fastai\.data(\.\w+)*", re.ASCII)


def modern(module: str) -> str:
    """The module as Python 3 calls it."""
    return _OF_PYTHON_2.get(module, module)


def may_be_named(module: str, name: str) -> bool:
    """Whether a pickle that names this may still give its tensors."""
    module = modern(module)
    if (module, name) in _LISTED:
        return True
    if not _NAME.fullmatch(module) or not name.isidentifier():
        return False  # a dotted name would be looked up attribute by attribute, from a class to what lies behind it
    if _OF_TORCH.fullmatch(module):
        return True
    return module.split(".", 1)[0] not in _CLOSED and not _OF_FASTAI.fullmatch(module)


def makes_an_object(module: str, name: str) -> bool:
    """Whether calling this could only make an object: a class, by its listing or by how people write the names of classes."""
    return (modern(module), name) in _LISTED or bool(_CLASS.fullmatch(name))
