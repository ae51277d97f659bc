"""Whether a document may become a policy: the first thing that is wrong with it, in one sentence; no input is too odd for it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import SIGNING_ROLES
from core.errors import InvalidInput
from governance.criteria import check_suites
from governance.documents import ALWAYS, FORMAT, ORDER, PERSONAL_DATA, Document, read
from governance.documents.plain import check_plain
from governance.environments import names
from governance.models import SignOff
from governance.requirements import kinds
from models_registry.models import RiskTier

MOST_DAYS = 3650
MOST_ROWS = 50  # steps are few by their roles; requirements by this
LEVELS = ("L1", "L2", "L3")
MEANINGS = (SignOff.Meaning.VALIDATED, SignOff.Meaning.PRIVACY_REVIEWED, SignOff.Meaning.APPROVED)
ESCALATED_TO = tuple(sorted(SIGNING_ROLES))
NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\Z")


def checked(body: Any) -> Document:
    """The document that `body` says, with every field in order; a refusal names the field and says what to write."""
    check_plain(body)
    given = _fields(body, "", ORDER, also=("format",))
    if given.get("format") != FORMAT:
        raise _refused("format", _("write “format: %(format)s”") % {"format": FORMAT})
    if not isinstance(given.get("name"), str) or not NAME.match(given["name"]):
        raise _refused("name", _("use lower-case letters, digits and hyphens, at most 64"))
    _text(given, "title", least=1, most=120)
    _text(given, "purpose", most=2000)
    covers = _fields(given.get("covers"), "covers", ("tiers", "environments"))
    _choices(covers, "covers.tiers", RiskTier.values)
    _choices(covers, "covers.environments", names())
    evaluations = _evaluations(given.get("evaluations"))
    steps = _steps(given.get("steps"))
    for key in ("valid_days", "review_days", "remind_days"):
        _whole(given, key, 0, MOST_DAYS)
    if given.get("escalate_to", "") not in ("", *ESCALATED_TO):
        raise _refused("escalate_to", _one_of(ESCALATED_TO))
    conditions = _fields(given.get("conditions", {}), "conditions", ("allowed", "most_days"))
    _yes_or_no(conditions, "conditions.allowed")
    _whole(conditions, "conditions.most_days", 1 if conditions.get("allowed") else 0, MOST_DAYS)
    exceptions = _fields(given.get("exceptions", {}), "exceptions", ("roles", "most_days"))
    _choices(exceptions, "exceptions.roles", ESCALATED_TO, least=0)
    _whole(exceptions, "exceptions.most_days", 1 if exceptions.get("roles") else 0, MOST_DAYS)
    if given.get("emergency") is not None:
        emergency = _fields(given["emergency"], "emergency", ("roles", "valid_days", "review_within_days"))
        _choices(emergency, "emergency.roles", ESCALATED_TO)
        _whole(emergency, "emergency.valid_days", 1, 90)
        _whole(emergency, "emergency.review_within_days", 1, 90)
    separation = _fields(given.get("separation", {}), "separation", ("policy_author_days",))
    _whole(separation, "separation.policy_author_days", 0, MOST_DAYS)
    _monitoring(given.get("monitoring"))
    requirements = _requirements(given.get("requirements", []))
    whole = given | {"evaluations": evaluations, "steps": steps, "requirements": requirements}
    return read(whole)


def _refused(field: str, remedy: str) -> InvalidInput:
    return InvalidInput(
        _("“%(field)s” cannot be used: %(remedy)s.") % {"field": field, "remedy": remedy},
        code="policy_" + re.sub(r"[^a-z]+", "_", field.lower()).strip("_"),
    )


def _one_of(known: Collection[str]) -> str:
    return _("use one of %(known)s") % {"known": ", ".join(known)}


def _fields(given: Any, where: str, known: Collection[str], *, also: Collection[str] = ()) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        what = _("write its fields: %(known)s") % {"known": ", ".join(known)}
        raise _refused(where or _("policy"), what)
    if unknown := sorted(set(given) - set(known) - set(also)):
        raise InvalidInput(
            _("There is no field “%(field)s”%(where)s; there are %(known)s.")
            % {
                "field": unknown[0][:64],
                "where": _(" in “%(where)s”") % {"where": where} if where else "",
                "known": ", ".join(known),
            },
            code="policy_unknown_field",
        )
    return dict(given)


def _last(field: str) -> str:
    return field.rpartition(".")[2]


def _text(given: Mapping[str, Any], field: str, *, most: int, least: int = 0) -> None:
    text = given.get(_last(field), "")
    if not isinstance(text, str) or not least <= len(text.strip()) or len(text) > most:
        remedy = _("write %(least)d to %(most)d characters") if least else _("write at most %(most)d characters")
        raise _refused(field, remedy % {"least": least, "most": most})


def _whole(given: Mapping[str, Any], field: str, least: int, most: int) -> None:
    number = given.get(_last(field), 0)
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise _refused(field, _("write a whole number from %(least)d to %(most)d") % {"least": least, "most": most})


def _number(given: Mapping[str, Any], field: str, least: float, most: float) -> None:
    number = given.get(_last(field))
    if isinstance(number, bool) or not isinstance(number, int | float) or not least <= number <= most:
        raise _refused(field, _("write a number from %(least)s to %(most)s") % {"least": least, "most": most})


def _yes_or_no(given: Mapping[str, Any], field: str) -> None:
    if not isinstance(given.get(_last(field), False), bool):
        raise _refused(field, _("say true or false, for yes or no"))


def _choices(given: Mapping[str, Any], field: str, known: Collection[str], *, least: int = 1) -> None:
    chosen = given.get(_last(field), [])
    if not isinstance(chosen, list) or any(not isinstance(one, str) or one not in known for one in chosen):
        raise _refused(field, _("write a list out of %(known)s") % {"known": ", ".join(known)})
    if len(set(chosen)) != len(chosen) or len(chosen) < least:
        raise _refused(field, _("name at least %(least)d, each once") % {"least": least})


def _evaluations(given: Any) -> dict[str, Any]:
    found = _fields(given, "evaluations", ("verified", "sandbox", "suites"))
    _yes_or_no(found, "evaluations.verified")
    levels = _fields(found.get("sandbox"), "evaluations.sandbox", ("weights", "programs"))
    for key in ("weights", "programs"):
        if levels.get(key) not in LEVELS:
            raise _refused(f"evaluations.sandbox.{key}", _one_of(LEVELS))
    check_suites(found.get("suites"))  # what could not be measured or judged later is refused now
    return found


def _steps(given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not given:
        raise InvalidInput(_("A policy names at least one signature that it requires, under “steps”."), code="policy_steps")
    known = ("role", "quorum", "order", "meaning", "when", "distinct_teams")
    found = []
    for number, one in enumerate(given[: len(SIGNING_ROLES) + 1], start=1):
        where = f"steps {number}"
        step = _fields(one, where, known)
        if step.get("role") not in ESCALATED_TO:
            said = _("%(role)s is not a role that signs; use %(known)s.")
            raise InvalidInput(said % {"role": str(step.get("role"))[:64], "known": ", ".join(ESCALATED_TO)}, code="policy_role")
        if step.get("meaning") not in MEANINGS:
            raise _refused(f"{where}.meaning", _one_of(MEANINGS))
        if step.setdefault("when", ALWAYS) not in (ALWAYS, PERSONAL_DATA):
            raise _refused(f"{where}.when", _one_of((ALWAYS, PERSONAL_DATA)))
        step.setdefault("quorum", 1), step.setdefault("order", 1)
        _whole(step, f"{where}.quorum", 1, 9)
        _whole(step, f"{where}.order", 1, 9)
        _yes_or_no(step, f"{where}.distinct_teams")
        found.append(step)
    roles = [step["role"] for step in found]
    if len(set(roles)) != len(roles):
        raise InvalidInput(_("A policy names each role once; raise its quorum to ask for more people."), code="policy_roles")
    if all(step["when"] == PERSONAL_DATA for step in found):
        raise InvalidInput(_("At least one signature is always needed: give one step “when: always”."), code="policy_steps")
    return found


def _requirements(given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list) or len(given) > MOST_ROWS:
        raise _refused("requirements", _("write a list of at most %(most)d, each with its kind") % {"most": MOST_ROWS})
    found = []
    for number, one in enumerate(given, start=1):
        name = one.get("kind") if isinstance(one, Mapping) else None
        kind = kinds.get(name) if isinstance(name, str) else None
        if not isinstance(one, Mapping) or kind is None:
            known = {"n": number, "known": ", ".join(kinds.names())}
            raise InvalidInput(
                _("Requirement %(n)d names no kind that this site can assess; use one of %(known)s.") % known, code="policy_kind"
            )
        found.append(dict(kind.check(dict(one))))
    return found


def _monitoring(given: Any) -> None:
    found = _fields(given, "monitoring", ("minimum_rows", "minimum_mean", "minimum_effect", "suspend"))
    _whole(found, "monitoring.minimum_rows", 1, 10_000_000)
    _number(found, "monitoring.minimum_mean", 0, 1)
    _number(found, "monitoring.minimum_effect", 0, 1)
    if not isinstance(found.get("suspend"), bool):
        raise _refused("monitoring.suspend", _("say true or false, for yes or no"))
