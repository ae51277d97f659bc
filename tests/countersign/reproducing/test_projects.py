"""MLproject files: the plain part of YAML, types and defaults, and no value that becomes a command."""

from __future__ import annotations

import pytest
import yaml

from countersign.reproducing import plain_yaml, project
from countersign.reproducing.problem import CannotReproduce

PLAIN = [
    b"",
    b"# only a remark\n",
    b"name: My Project\nentry_points:\n  main:\n    parameters:\n      a: float\n      b: {type: int, default: 3}\n"
    b"    command: 'python a.py {a}'\n",
    b"a: >\n  one\n  two\n\n  three\nb: |\n  one\n    two\nc: >-\n  one\n  two\nd: |-\n  x\n",
    b"name: env\nchannels:\n- conda-forge\ndependencies:\n  - python=3.11\n"
    b"  - pip:\n      - numpy==2\n      - torch>=2.0  # a remark\n",
    b"list: [a, 'b c', \"d\\te\", 3, true, null, [1, 2], {x: 1.5, y: z}]\nempty: {}\nnone: []\n",
    b"- a: 1\n  b: 2\n-\n  c: 3\n- - 1\n  - 2\n",
    b"url: http://example.org:80/x#y\ntext: it's # a remark\nquoted: 'it''s'\n\"a name\": \"\\u00fc\"\n",
    b"---\nfirst: 1\nlast: -7\nsome: 1.5\n",
    b"a:\n  b:\n    c:\n      - d: {e: f}\n",
    "ü: ñ\n".encode(),
    b"windows: line\r\nends: here\r\n",
]


@pytest.mark.parametrize("text", PLAIN, ids=range(len(PLAIN)))
def test_plain_yaml_is_read_as_pyyaml_reads_it(text: bytes) -> None:
    assert plain_yaml.read(text) == yaml.safe_load(text)


def test_a_number_with_an_exponent_is_a_number() -> None:
    assert plain_yaml.read(b"lr: 1e-3") == {"lr": 0.001}  # PyYAML reads a text here


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"a: &x 1", "anchors, aliases and tags are not read"),
        (b"a: *x", "anchors, aliases and tags are not read"),
        (b"a: !!python/object/apply:os.system [touch x]", "anchors, aliases and tags are not read"),
        (b"<<: {a: 1}", "merges are not read"),
        (b"a: 1\na: 2", "line 2: a is there twice"),
        (b"\ta: 1", "indented with a tab"),
        (b"a: [1, 2", "a bracket is not closed"),
        (b"a: [1, 2]]", "something stands behind"),
        (b"a: {b", "a name with a colon was expected"),
        (b"a: [&x 1]", "this is not read between brackets"),
        (b"---\na: 1\n---\nb: 2", "several documents"),
        (b"%YAML 1.1\n---\na: 1", "several documents and directives"),
        (b"a:\n   b: 1\n  c: 2", "its indentation fits nothing"),
        (b'a: "x', "a quotation mark is not closed"),
        (b'a: "\\x41"', "an escape in it is not read"),
        (b"- 1\nb: 2", "further left"),
        (b"a: b\n  c: d", "goes on below its line"),
        (b"a: |2\n  x", "this form of a text is not read"),
        (b"a: @x", "cannot begin with @"),
        (b"\xff", "not written in UTF-8"),
        (b"words", "a name with a colon was expected"),
        (b"a: " + b"[" * 100 + b"]" * 100, "brackets do not fit"),
        (b"".join(b" " * n + b"a:\n" for n in range(100)), "nested too deeply"),
        (b"a: " + b"x" * (300 << 10), "larger than 256 KiB"),
    ],
)
def test_everything_else_is_refused_with_the_line(text: bytes, why: str) -> None:
    with pytest.raises(plain_yaml.NotPlain, match=why):
        plain_yaml.read(text)


PROJECT = b"""
name: digits
python_env: python_env.yaml
entry_points:
  main:
    parameters:
      data: path
      lr: {type: float, default: 0.1}
      epochs: {type: int, default: 3}
      note: {default: ""}
    command: "python train.py {data} --lr {lr} --epochs {epochs} --note {note}"
  odd:
    command: "python train.py {nowhere}"
"""


def test_an_entry_point_becomes_a_command_with_recorded_values_and_defaults() -> None:
    found = project.read(PROJECT)
    assert (found.name, found.environment) == ("digits", "python_env.yaml")
    assert found.entry("main").line({"data": "a b", "lr": "1e-3", "unused": 1}) == (
        "python train.py 'a b' --lr 1e-3 --epochs 3 --note ''"
    )


@pytest.mark.parametrize("value", ["; touch x", "$(touch x)", "`touch x`", "a\ntouch x", "' || touch x '", "{lr}"])
def test_no_value_becomes_a_command(value: str) -> None:
    import shlex  # noqa: PLC0415 - the oracle of this test

    line = project.read(PROJECT).entry("main").line({"data": value})
    assert shlex.split(line)[2] == value


@pytest.mark.parametrize(
    ("content", "entry", "values", "why"),
    [
        (PROJECT, "main", {}, "needs data, which the run did not record; give it: -P data=VALUE"),
        (PROJECT, "main", {"data": "x", "lr": "fast"}, "lr must be of type float, and is “fast”"),
        (PROJECT, "main", {"data": "x", "epochs": 2.5}, "epochs must be of type int, and is “2.5”"),
        (PROJECT, "odd", {}, "uses {nowhere}, which it does not declare"),
        (PROJECT, "absent", {}, "has no entry point absent; it has main, odd"),
        (b"entry_points: {main: {command: x, parameters: {a: tensor}}}", "main", {}, "has the type tensor, which is not known"),
        (b"entry_points: {main: {parameters: {}}}", "main", {}, "has no command"),
        (b"entry_points: {main: {command: x, parameters: [a]}}", "main", {}, "must be names with their types"),
        (b"entry_points: [main]", "main", {}, "must be names and values"),
        (b"- a", "main", {}, "must be names and values"),
        (b"docker_env: {image: x}", "main", {}, "runs in a container"),
        (b"a: !!python/name:os.system x", "main", {}, "The MLproject cannot be read: line 1"),
    ],
)
def test_what_does_not_fit_is_a_sentence(content: bytes, entry: str, values: dict[str, object], why: str) -> None:
    with pytest.raises(CannotReproduce, match=why):
        project.read(content).entry(entry).line(values)


@pytest.mark.parametrize(
    "command",
    ["echo '{x}'", 'echo "{x}"', "echo `cat {x}`", "echo $(cat '{x}')", "echo # {x}", "cat << END {x}", "echo \\{x}"],
)
def test_between_quotation_marks_only_a_harmless_value_stands(command: str) -> None:
    """MLflow puts it there as it is; quotation marks within others would close them."""
    entry = project.EntryPoint("main", command, (project.Parameter("x"),))
    assert entry.line({"x": 0.01}) == command.replace("{x}", "0.01")
    for value in ("a; touch pwned", "$(touch pwned)", "a\ntouch pwned", "'; touch pwned; '"):
        with pytest.raises(CannotReproduce, match="could be a command"):
            entry.line({"x": value})


def test_behind_closed_quotation_marks_any_value_is_a_word() -> None:
    entry = project.EntryPoint("main", "python -c 'print(1)' \"a\" {x}", (project.Parameter("x"),))
    assert entry.line({"x": "a; b"}) == "python -c 'print(1)' \"a\" 'a; b'"
