"""What a policy may demand before people sign: kinds of requirement, each of which answers with a sentence and its evidence.

Every package may register a kind (`kinds.register(name, Kind(...))` in its `AppConfig.ready`); a policy names it with its
parameters under `requirements`. Kinds that are `always` asked need no mention: they keep what no policy may leave out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from django.db.models import TextChoices
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.errors import InvalidInput
from core.registry import Registry
from governance.material import Material
from governance.models.exception import RequirementException

if TYPE_CHECKING:
    from evaluations.models import EvaluationRun
    from evaluations.verdicts import Verdict
    from governance.models import Policy
    from models_registry.models import Version


class Outcome(TextChoices):
    """A missing result is never `met`."""

    MET = "met", _("Met")
    NOT_MET = "not_met", _("Not met")
    NOT_ASSESSED = "not_assessed", _("Not assessed")
    EXCEPTED = "excepted", _("Excepted")


@dataclass(frozen=True, slots=True)
class Question:
    """One requirement of one policy about one version. `demand` holds the parameters that the policy gives the kind; `verdicts`
    the latest evaluation on each test set, which several kinds read; `given` what was read of the version already."""

    version: Version
    policy: Policy
    environment: str
    verdicts: list[tuple[EvaluationRun, Verdict]]
    demand: Mapping[str, Any] = field(default_factory=dict)
    given: Material | None = None

    @property
    def material(self) -> Material:
        """What is known of the version: a kind that reads it here costs no query where another kind did before."""
        return self.given or Material(self.version, self.policy)


@dataclass(frozen=True, slots=True)
class Answer:
    """How one requirement stands, as one sentence. `subject` tells several answers of one kind apart, so that an exception can
    name one; `href` leads to the evidence."""

    outcome: Outcome
    sentence: str
    subject: str = ""
    href: str = ""
    kind: str = ""  # set by `answers_of`

    @property
    def blocks(self) -> bool:
        return self.outcome in {Outcome.NOT_MET, Outcome.NOT_ASSESSED}


def _without_parameters(demand: Mapping[str, Any]) -> Mapping[str, Any]:
    if foreign := sorted(set(demand) - {"kind"}):
        said = _("A requirement has parameters that its kind does not know: %(names)s.")
        raise InvalidInput(str(said) % {"names": ", ".join(foreign)[:200]}, code="policy_kind_parameters")
    return demand


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of requirement. `check` gets the demand ({"kind": …, parameters}) and returns it as the policy keeps it, or
    raises `InvalidInput`; a kind that brings none has no parameters. `words` says on a policy's page what a demand asks."""

    title: str | Promise
    answer: Callable[[Question], list[Answer]]
    check: Callable[[Mapping[str, Any]], Mapping[str, Any]] = _without_parameters
    always: bool = False  # asked under every policy
    excusable: bool = True  # whether an exception may stand in for it
    words: Callable[[Mapping[str, Any]], str] | None = None  # without it the parameters are shown as they are

    @property
    def may_be_named(self) -> bool:
        """Whether a policy has something to say about it: kinds that are asked anyway only where they take parameters."""
        return not self.always or self.check is not _without_parameters


kinds: Registry[Kind] = Registry("kind of requirement")


def answers_of(question: Question) -> list[Answer]:
    """Every requirement's answers, in the order of their kinds: those always asked, and those that the policy names."""
    named: dict[str, list[Mapping[str, Any]]] = {}
    for one in demands_of(question.policy):
        named.setdefault(one["kind"], []).append(one)
    found = []
    for name in kinds.names():
        kind = kinds.get(name)
        assert kind is not None  # noqa: S101 - the registry just gave its name
        demands = named.pop(name, []) or ([{}] if kind.always else [])
        for demand in demands:
            found += [_of(name, answer) for answer in kind.answer(replace(question, demand=demand))]
    return _with_exceptions(found, question) + [_unknown(name) for name in named]


def demands_of(policy: Policy) -> list[Mapping[str, Any]]:
    """The requirements that the policy itself names: {"kind": ..., parameters}."""
    return list(policy.document.requirements)


def _with_exceptions(answers: list[Answer], question: Question) -> list[Answer]:
    """What stands against approval is excepted where an exception stands for exactly it."""
    if not any(one.blocks for one in answers):
        return answers
    standing = {(row.kind, row.subject): row for row in question.material.exceptions}  # of several the one that stands longest
    return [_excepted(one, standing.get((one.kind, one.subject))) for one in answers]


def _excepted(answer: Answer, row: RequirementException | None) -> Answer:
    kind = kinds.get(answer.kind)
    if row is None or not answer.blocks or kind is None or not kind.excusable:
        return answer
    said = _("Excepted until %(until)s by the %(role)s; the reason and what makes up for it stand with the exception.")
    words = {"until": date_format(row.expires_on, "j M Y"), "role": row.get_decided_as_display().lower()}
    return Answer(Outcome.EXCEPTED, str(said) % words, answer.subject, row.get_absolute_url(), answer.kind)


def _of(kind: str, answer: Answer) -> Answer:
    return Answer(answer.outcome, answer.sentence, answer.subject, answer.href, kind)


def _unknown(name: str) -> Answer:
    """A plug-in that is gone leaves its requirement unanswered, never met."""
    said = _("The policy asks for “%(kind)s”, which this site cannot assess: install what brings it, or publish another policy.")
    return Answer(Outcome.NOT_ASSESSED, str(said) % {"kind": name}, kind=name)
