"""A site of many versions: one that went the whole way through the services, and copies of all its rows made by the database.

The copies of those that are asked about carry signatures over their own digests, so that the gate allows them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from unittest import mock

PASSWORD = "correct horse battery staple"  # noqa: S105 - of people who exist in this measurement only
VERSIONS_OF_A_MODEL = 100
MOST = 200_000  # copies at the most


@dataclass
class Filled:
    """Who asks, and the versions that are truly approved and live, spread over the whole table."""

    person: Any
    first: Any
    asked: list[Any]
    end: int = 0  # the number of the next copy
    copies: int = 0


def begin() -> Filled:
    """Teams, people, data, and one version that was submitted, inspected, measured, signed and released."""
    from accounts.models import Membership, Person, Team  # noqa: PLC0415 - models can be imported once Django is set up
    from core import clock  # noqa: PLC0415 - as above
    from core.ids import uuid7  # noqa: PLC0415 - as above
    from data_registry import services as data  # noqa: PLC0415 - as above
    from evaluations import jobs as measuring  # noqa: PLC0415 - as above
    from evaluations.models import EvaluationRun  # noqa: PLC0415 - as above
    from governance import services  # noqa: PLC0415 - as above
    from governance.approvals import approval_of  # noqa: PLC0415 - as above
    from governance.assessing import METHOD  # noqa: PLC0415 - as above
    from governance.models import Accountability  # noqa: PLC0415 - as above
    from governance.signed_words import ACCOUNTABILITY_VERSION  # noqa: PLC0415 - as above
    from models_registry import jobs as inspecting  # noqa: PLC0415 - as above
    from models_registry import services as registry  # noqa: PLC0415 - as above
    from models_registry.models import Inspection, Version  # noqa: PLC0415 - as above
    from tests.plugins_versions import ACCEPTED, CARD, CLASSES, PROVENANCE, Answer, measured  # noqa: PLC0415 - as above

    team = Team.objects.create(slug="scale", name="Scale")

    def person(name: str, role: str) -> Any:
        made = Person(name=name, email=f"{role}@example.org")
        made.set_password(PASSWORD)
        made.save()
        Membership.objects.create(person=made, role=role, team=team)
        accepted = {"text_version": ACCOUNTABILITY_VERSION, "accepted_at": clock.now(), "event": uuid7()}
        Accountability.objects.create(person=made.pk, **accepted)
        return made

    roles = ("data_scientist", "validator", "compliance_officer", "risk_manager")
    scientist, validator, officer, risk_manager = (person(role.replace("_", " ").title(), role) for role in roles)

    def table(name: str) -> Any:
        dataset = data.register_dataset(team, by=scientist, name=name)
        draft = data.draft_version(dataset, by=scientist, provenance=PROVENANCE, format="other")
        data.receive_content(draft, by=scientist, chunks=[name.encode()])
        registered = data.register_version(draft, by=scientist)
        data.record_finding(registered, by=scientist, category="direct_identifier", present="no")
        return registered

    links = [("training", table("digits-train")), ("testing", table("digits"))]
    stated: dict[str, Any] = {"task": "multiclass", "risk_tier": "high", "classes": CLASSES}
    model = registry.register_model(by=scientist, team=team, name="digit-reader", **stated)
    answers: dict[str, Any] = {
        "levels": {one.key: 2 for one in METHOD.factors},
        "reasons": dict.fromkeys(METHOD.asked, "So it is."),
    }
    services.activate_assessment(services.assess_risk(model, by=scientist, **answers), by=risk_manager)
    version = registry.draft_version(model, by=scientist, card=CARD, data=links)
    registry.receive_checkpoint(version, [b"weights"], name="model.safetensors", by=scientist)
    review = services.submit(version, by=scientist)
    with mock.patch.object(inspecting, "run", _answering(Answer(ACCEPTED))):
        inspecting.inspect(Inspection.objects.select_related("version__model").get(version=version))
    runs = EvaluationRun.objects.select_related("version__model", "version__inspection", "suite", "dataset_version")
    with mock.patch.object(measuring, "run", _answering(Answer(measured()))):
        for run in runs.filter(version=version):
            measuring.measure(run)
    for signer, role in ((validator, "validator"), (officer, "compliance_officer")):
        seen = approval_of(Version.objects.with_parts().get(pk=version.pk), review.environment).digest
        services.sign_off(review, by=signer, role=role, verdict="approve", password=PASSWORD, seen=seen)
    services.release(Version.objects.with_parts().get(pk=version.pk), environment="production", by=risk_manager)
    first = Version.objects.with_parts().get(pk=version.pk)
    return Filled(officer, first, [first])


def _answering(answer: Any) -> Any:
    """In place of the sandbox, whose cost is measured elsewhere."""
    from contextlib import contextmanager  # noqa: PLC0415 - only here

    @contextmanager
    def run(*_: Any, **__: Any) -> Any:
        yield answer

    return run


def grow(filled: Filled, versions: int, *, asked: int = 1, waiting: int = 0) -> None:
    """The site holds so many versions; of the new ones `asked`, evenly spread, are truly approved and live, and the reviews of
    the first `waiting` wait for their signatures.

    Of ten copies one was withdrawn, one was rejected, and the others were approved; of a model's the last is live and each
    before it was live until the next. Its events in the log are not copied: they are read by their subject alone.
    """
    from django.db import connection  # noqa: PLC0415 - as above

    from evaluations.models import EvaluationRun, Metric  # noqa: PLC0415 - as above
    from governance.models import Release, Review, RiskAssessment, SignOff, Step  # noqa: PLC0415 - as above
    from models_registry.models import Inspection, ModelCard, RegisteredModel, Version, VersionData  # noqa: PLC0415 - as above

    first, start = filled.first, filled.end or VERSIONS_OF_A_MODEL - (versions - 1) % VERSIONS_OF_A_MODEL
    end = start + versions - 1 - filled.copies
    filled.end, filled.copies = end, versions - 1
    review = Review.objects.get(version=first)
    run = EvaluationRun.objects.get(version=first)
    of_model = f"(copied / {VERSIONS_OF_A_MODEL})"
    last = f"copied % {VERSIONS_OF_A_MODEL} = {VERSIONS_OF_A_MODEL - 1}"
    is_open = f"copied < {start + waiting}"
    withdrawn, rejected = (f"(copied % 10 = {number} AND NOT {last} AND NOT {is_open})" for number in (3, 6))
    model, version, its_review, its_run = _key("'m'", of_model), _key("'v'"), _key("'r'"), _key("'e'")
    span = (start, end - 1)
    models = tuple(number // VERSIONS_OF_A_MODEL for number in span)
    made = {"id": _key("'m'"), "name": "'model-' || copied"}
    _copy(RegisteredModel, made, f"id = '{first.model_id}'", *models, skip_known=True)
    made = {"id": _key("'a'"), "model_id": _key("'m'")}
    _copy(RiskAssessment, made, f"model_id = '{first.model_id}'", *models, skip_known=True)
    digest = "'sha256:' || encode(sha256(('weights' || copied)::bytea), 'hex')"
    number = f"1 + copied % {VERSIONS_OF_A_MODEL}"
    state = (
        f"CASE WHEN {withdrawn} THEN 'withdrawn' WHEN {rejected} THEN 'rejected' WHEN {is_open} THEN 'in_review' "
        "ELSE 'approved' END"
    )
    of_version = {"id": version, "model_id": model, "number": number, "checkpoint_digest": digest, "state": state}
    _copy(Version, of_version, f"id = '{first.pk}'", *span)
    _copy(ModelCard, {"id": _key("'c'"), "version_id": version}, f"version_id = '{first.pk}'", *span)
    _copy(VersionData, {"version_id": version}, f"version_id = '{first.pk}'", *span)
    _copy(Inspection, {"id": _key("'i'"), "version_id": version}, f"version_id = '{first.pk}'", *span)
    _copy(EvaluationRun, {"id": its_run, "version_id": version, "checkpoint_digest": digest}, f"id = '{run.pk}'", *span)
    _copy(Metric, {"run_id": its_run}, f"run_id = '{run.pk}'", *span)
    # one after the other, all of them in the past
    moment = f"CASE WHEN {is_open} THEN NULL ELSE concluded_at + make_interval(secs => copied - {MOST}) END"
    of_review = {
        "id": its_review,
        "version_id": version,
        "state": f"CASE WHEN {withdrawn} THEN 'withdrawn' WHEN {is_open} THEN 'open' ELSE 'concluded' END",
        "outcome": f"CASE WHEN {withdrawn} OR {is_open} THEN '' WHEN {rejected} THEN 'rejected' ELSE 'approved' END",
        "concluded_at": moment,
    }
    _copy(Review, of_review, f"id = '{review.pk}'", *span)
    _copy(Step, {"review_id": its_review}, f"review_id = '{review.pk}'", *span)
    chosen = _spread(start, end, asked)
    signed = {
        "id": _key("'s' || governance_signoff.role"),
        "review_id": its_review,
        "verdict": f"CASE WHEN {rejected} THEN 'reject' ELSE 'approve' END",
    }
    others = f"NOT copied = ANY(ARRAY{chosen}::int[]) AND NOT {withdrawn} AND NOT {is_open}"
    _copy(SignOff, signed, f"review_id = '{review.pk}' AND {others}", *span)
    live = {
        "id": _key("'l'"),
        "version_id": version,
        "model_id": model,
        "review_id": its_review,
        "state": f"CASE WHEN {last} THEN 'live' ELSE 'superseded' END",
        "ended_at": f"CASE WHEN {last} THEN NULL ELSE released_at END",
    }
    _copy(Release, live, f"version_id = '{first.pk}' AND NOT {withdrawn} AND NOT {rejected} AND NOT {is_open}", *span)
    filled.asked += [_sign(filled, one) for one in chosen]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    assert Version.objects.count() == versions, (Version.objects.count(), versions)


def _spread(start: int, end: int, many: int) -> list[int]:
    """The last copies of so many models, evenly spread from `start` to `end`."""
    lasts = [one for one in range(start, end) if one % VERSIONS_OF_A_MODEL == VERSIONS_OF_A_MODEL - 1]
    return sorted({lasts[index * len(lasts) // many] for index in range(many)}) if lasts else []


def _sign(filled: Filled, number: int) -> Any:
    """The copy of this number is approved as it stands: its signatures are over its own digest."""
    from core.canonical import sha256_of  # noqa: PLC0415 - as above
    from core.ids import uuid7  # noqa: PLC0415 - as above
    from governance.models import Review, SignOff  # noqa: PLC0415 - as above
    from governance.pins import statement  # noqa: PLC0415 - as above
    from models_registry.models import Version  # noqa: PLC0415 - as above

    digest = "sha256:" + hashlib.sha256(f"weights{number}".encode()).hexdigest()
    version = Version.objects.with_parts().get(checkpoint_digest=digest)
    review = Review.objects.select_related("policy").get(version=version)
    stands = statement(version, policy=review.policy, environment=review.environment, review=review.pk)
    Review.objects.filter(pk=review.pk).update(digest=sha256_of(stands))
    for one in SignOff.objects.filter(review__version=filled.first):
        one.pk, one.review, one.digest, one.statement = uuid7(), review, sha256_of(stands), stands
        one.save(force_insert=True)
    return version


def _key(kind: str, number: str = "copied") -> str:
    """SQL of an id that follows from the number: in the order of time, as UUIDs of version 7 are."""
    text = f"md5({kind} || ({number}))"
    stamp = f"lpad(to_hex(1700000000000 + ({number})), 12, '0')"
    return f"({stamp} || '7' || substr({text}, 1, 3) || '8' || substr({text}, 4, 15))::uuid"


def _copy(model: Any, changed: Mapping[str, str], where: str, start: int, end: int, *, skip_known: bool = False) -> None:
    """Copies of the rows that `where` names, one for each number; `changed`: column -> SQL."""
    from django.db import connection  # noqa: PLC0415 - as above

    meta = model._meta  # noqa: SLF001 - Django's documented Meta API
    own = meta.pk.get_internal_type() in {"AutoField", "BigAutoField"}
    columns = [field.column for field in meta.concrete_fields if not (own and field.primary_key)]
    names = ", ".join(f'"{one}"' for one in columns)
    values = ", ".join(changed.get(one, f'{meta.db_table}."{one}"') for one in columns)
    known = " ON CONFLICT DO NOTHING" if skip_known else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {meta.db_table} ({names}) SELECT {values} FROM {meta.db_table}, "  # noqa: S608 - its own words
            f"generate_series({start}, {end}) copied WHERE {where}{known}"
        )
