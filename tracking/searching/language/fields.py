"""Which fields there are: the names that people type, MLflow's among them, and what is meant."""

from __future__ import annotations

from tracking.searching.language.problem import Misread, gettext_noop, nearest
from tracking.searching.language.tokens import Token
from tracking.searching.language.tree import Attribute, Data, Field, Metric, Param, Part, Shape, Tag

MOST_NAME = 500  # characters

ATTRIBUTES: dict[str, Shape] = {
    "id": Shape.RUN,
    "name": Shape.TEXT,
    "state": Shape.STATE,
    "experiment": Shape.TEXT,
    "parent": Shape.RUN,
    "user": Shape.TEXT,
    "origin": Shape.TEXT,
    "started_at": Shape.MOMENT,
    "ended_at": Shape.MOMENT,
    "duration": Shape.SECONDS,
    "repository": Shape.TEXT,
    "branch": Shape.TEXT,
    "commit": Shape.TEXT,
    "dirty": Shape.FLAG,
}
_MLFLOW_NAMES = {
    "run_id": "id",
    "run_name": "name",
    "run name": "name",
    "status": "state",
    "user_id": "user",
    "start_time": "started_at",
    "end_time": "ended_at",
    "created": "started_at",
}
_SCOPES = {
    **dict.fromkeys(("metrics", "metric"), "metrics"),
    **dict.fromkeys(("params", "param", "parameters", "parameter"), "params"),
    **dict.fromkeys(("tags", "tag"), "tags"),
    **dict.fromkeys(("attributes", "attribute", "attr", "run", "runs"), "attributes"),
    **dict.fromkeys(("dataset", "datasets"), "dataset"),
}
_DATA = ("name", "digest", "context")
STATES = ("running", "finished", "failed", "killed")


def field_of(token: Token) -> Field:
    """The field that a token names, or a sentence on what there is instead."""
    scope = _SCOPES.get(token.scope.lower())
    if scope is None:
        meant = nearest(token.scope, _SCOPES)
        if meant:
            sentence = gettext_noop("“%(scope)s” is not known here. Did you mean %(meant)s?")
        else:
            sentence = gettext_noop("“%(scope)s” is not known here: begin with metrics, params, tags, attributes or dataset.")
        raise Misread(sentence, token.start, token.start + len(token.scope), scope=token.scope, meant=f"{meant}.{token.value}")
    name, part = _parted(token) if scope == "metrics" else (token.value, token.part)
    if not name.strip() or len(name) > MOST_NAME:
        sentence = gettext_noop("A name has 1 to %(most)s characters.")
        raise Misread(sentence, token.start, token.end, most=MOST_NAME)
    if scope == "metrics":
        return Metric(name, _part(token, part))
    if part:
        sentence = gettext_noop("“.%(part)s” cannot follow this name; put the whole name in quotes if it has a dot.")
        raise Misread(sentence, token.end - len(part) - 1, token.end, part=part)
    if scope == "params":
        return Param(name)
    if scope == "tags":
        return Tag(name)
    if scope == "dataset":
        return _data(token, name)
    return attribute_of(name, token)


def attribute_of(name: str, token: Token) -> Attribute:
    """The attribute of this name, with or without its prefix."""
    canonical = _MLFLOW_NAMES.get(name.lower(), name.lower())
    if shape := ATTRIBUTES.get(canonical):
        return Attribute(canonical, shape)
    if meant := nearest(name, (*ATTRIBUTES, *_MLFLOW_NAMES)):
        sentence = gettext_noop("There is no attribute “%(name)s”. Did you mean %(meant)s?")
    elif token.scope:
        sentence = gettext_noop("There is no attribute “%(name)s”; there are %(known)s.")
    else:
        sentence = gettext_noop(
            "“%(name)s” is not known here: write metrics.%(name)s, params.%(name)s or tags.%(name)s, or one of %(known)s."
        )
    raise Misread(sentence, token.start, token.end, name=name, meant=meant, known=ATTRIBUTES)


def is_attribute(word: str) -> bool:
    return word.lower() in ATTRIBUTES or word.lower() in _MLFLOW_NAMES


def _parted(token: Token) -> tuple[str, str]:
    """A metric's name and its part. Without quotes, `.min`, `.max` or `.last` at the end of a name is a part."""
    if token.quoted:
        return token.value, token.part
    name, dot, last = token.value.rpartition(".")
    return (name, last) if dot and name and last in set(Part) else (token.value, "")


def _part(token: Token, part: str) -> Part:
    if not part:
        return Part.LAST
    if part not in set(Part):
        sentence = gettext_noop("After a metric's name may follow .last, .min or .max, not “.%(part)s”.")
        raise Misread(sentence, token.end - len(part) - 1, token.end, part=part)
    return Part(part)


def _data(token: Token, name: str) -> Data:
    if name.lower() not in _DATA:
        sentence = gettext_noop("A dataset is asked for its name, digest or context, not for “%(name)s”.")
        raise Misread(sentence, token.start, token.end, name=name)
    return Data(name.lower())
