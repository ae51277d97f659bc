"""Random people do random things in random order, for thousands of steps, and no forbidden state is ever reached.

The rules that the machine holds are written here a second time, in another way: who may sign follows from what the machine itself
saw people do, whether an approval stands from the rows of signatures, and every state from the log's events alone.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Q
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from accounts import services as accounts
from accounts.models import Membership, Role
from core import clock
from core.canonical import sha256_of
from core.errors import DomainError
from governance import due, gate, services
from governance.approvals import approval_sought
from governance.models import Condition, Delegation, Finding, Release, Review, SignOff
from governance.pins import statement
from governance.policies import in_force, publish
from governance.services.conditions import Wanted
from ledger.actors import INSTALLER
from ledger.models import Entry
from models_registry.models import RegisteredModel, Version
from tests.plugins_versions import CARD, PASSWORD

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("STATE_MACHINE_EXAMPLES", "15"))  # stories; each begins with an empty site
STEPS = int(os.environ.get("STATE_MACHINE_STEPS", "40"))  # things that happen in one story
PRODUCTION = "production"
PEOPLE = ("scientist", "other_scientist", "validator", "officer", "dpo", "risk_manager", "both", "admin", "stranger")
SIGNING = ("validator", "compliance_officer", "data_protection_officer")
APPROVING = {"approve", "approve_with_conditions"}

# What must have succeeded at least once: a machine that is always refused proves nothing.
HAPPENS = {"submit", "revise", "sign", "take back", "withdraw", "suspend", "release", "roll back", "role", "find", "answer"}
HAPPENS |= {"lend", "accept", "decline", "end", "sign for another"}

people = st.sampled_from(PEOPLE)
roles = st.sampled_from(SIGNING)
which = st.integers(0, 7)  # of the versions, reviews, signatures or conditions there are
# What each event says of its version's state; a state that no event explains was changed in secret.
SAYS = {
    "version.drafted": "draft",
    "version.submitted": "submitted",
    "version.in_review": "in_review",
    "version.reopened": "in_review",
    "version.approved": "approved",
    "version.approved_with_conditions": "approved_with_conditions",
    "version.changes_requested": "changes_requested",
    "version.rejected": "rejected",
    "version.withdrawn": "withdrawn",
    "version.suspended": "suspended",
    "version.retired": "retired",
}


@contextmanager
def as_if_never() -> Iterator[None]:
    """What happens in the block is taken back at its end. To Django it is a test's own transaction, in which acts may stand."""
    block = transaction.atomic()
    block._from_testcase = True  # as in django.test.TestCase: else no durable block could begin inside
    with block:
        yield
        transaction.set_rollback(True)


@dataclass
class Lent:
    """A role that one person lent another."""

    giver: Any
    taker: Any
    role: str
    first: date
    last: date
    counts: bool = False  # accepted, and not ended since


class Site(RuleBasedStateMachine):
    """A site with a cast; every rule tries something, and a refusal is as good an answer as a success."""

    cast: dict[str, Any]
    make_draft: Callable[..., Any]
    inspect: Callable[..., Any]
    measure: Callable[..., Any]
    time: Any

    def __init__(self) -> None:
        super().__init__()
        self.block = as_if_never()
        self.block.__enter__()
        self.began = self.time.now
        self.hands: dict[Any, set[Any]] = defaultdict(set)  # version → who laid hands on it, as the machine saw it
        self.done: dict[str, int] = defaultdict(int)
        self.lent: dict[Any, Lent] = {}  # what was lent to whom, as the machine saw it

    def teardown(self) -> None:
        self.time.set(self.began)
        self.block.__exit__(None, None, None)
        for name in PEOPLE:
            self.person(name)

    # -- what people try -----------------------------------------------------------------------------------------------

    def attempt(self, name: str, deed: Callable[[], Any]) -> Any:
        """What the deed gave, or None where it was refused with a sentence; anything else is a fault."""
        try:
            found = deed()
        except DomainError as refusal:
            assert str(refusal).strip()
            return None
        self.done[name] += 1
        return found or True

    def version(self, index: int) -> Version | None:
        rows = list(Version.objects.with_parts().order_by("created_at", "pk"))
        return rows[index % len(rows)] if rows else None

    def person(self, name: str) -> Any:
        found = self.cast[name]
        found.forget_roles()
        return found

    @initialize(
        live=st.integers(0, 2), second_thoughts=st.sampled_from(("none", "withdrawn", "taken back", "a condition", "lent"))
    )
    def a_first_version(self, live: int, second_thoughts: str) -> None:
        """Stories begin with a version under review, behind none, one or two that went live, and sometimes a change of mind."""
        for number in range(live):
            self.a_version_is_submitted("other_scientist")
            self.a_version_comes_through_and_goes_live(number)
        self.a_version_is_submitted("scientist")
        if second_thoughts == "taken back":
            self.somebody_signs_and_thinks_again(live)
        elif second_thoughts == "a condition":
            self.somebody_approves_under_a_condition(live, "officer", 30)
            self.a_condition_is_reported_and_answered(0, "officer", met=True)
        elif second_thoughts == "withdrawn":
            self.a_version_is_withdrawn(live, "scientist")
        elif second_thoughts == "lent":
            self.a_role_is_lent("validator", "officer", "validator", 0, 20, accepted=False)
            self.a_role_is_lent("validator", "risk_manager", "validator", 0, 20, accepted=True)
            for _time in range(2):
                self.somebody_signs_for_another(live, 0, "risk_manager", own=True, verdict="approve")
                self.a_signature_is_taken_back(0, "risk_manager", own=True)
            self.somebody_signs_for_another(live, 0, "risk_manager", own=True, verdict="approve")

    @rule(by=st.sampled_from(("scientist", "other_scientist", "both")))
    def a_version_is_submitted(self, by: str) -> None:
        if Version.objects.count() >= 4:
            return
        person = self.person(by)

        def deed() -> Any:
            version = self.make_draft(by=person)
            self.hands[version.pk].add(person.pk)
            services.submit(version, by=person)
            self.inspect(version)
            self.measure(version)
            return version

        self.attempt("submit", deed)

    @rule(index=which, by=people, text=st.sampled_from(("Mailbox 1", "Mailbox 2")))
    def the_card_is_revised(self, index: int, by: str, text: str) -> None:
        version, person = self.version(index), self.person(by)
        if version and self.attempt("revise", lambda: services.revise_card(version, CARD | {"contact": text}, by=person)):
            self.hands[version.pk].add(person.pk)

    @rule(index=which, by=people, role=roles, verdict=st.sampled_from(("approve",) * 6 + ("request_changes", "reject")))
    def somebody_signs(self, index: int, by: str, role: str, verdict: str) -> None:
        version = self.version(index)
        review = version and Review.objects.with_parts().filter(version=version).order_by("-opened_at", "-pk").first()
        if review:
            self.sign(review, self.person(by), role, verdict)

    @rule(index=which)
    def those_whose_turn_it_is_sign(self, index: int) -> None:
        """Without it a story hardly ever comes to an approval."""
        version = self.version(index)
        review = version and Review.objects.with_parts().filter(version=version, state="open").first()
        for by, role in (("validator", "validator"), ("dpo", "data_protection_officer"), ("officer", "compliance_officer")):
            if review:
                self.sign(review, self.person(by), role, "approve")

    @rule(index=which, by=st.sampled_from(("officer",) * 4 + PEOPLE), days=st.integers(1, 40))
    def somebody_approves_under_a_condition(self, index: int, by: str, days: int) -> None:
        version = self.version(index)
        review = version and Review.objects.with_parts().filter(version=version, state="open").first()
        if review:
            self.sign(review, self.person("validator"), "validator", "approve")
            wanted = [Wanted("Label more rows.", self.cast["scientist"], clock.now().date() + timedelta(days=days))]
            self.sign(review, self.person(by), "compliance_officer", "approve_with_conditions", conditions=wanted)

    @rule(
        by=st.sampled_from(("validator", "officer", "both", *PEOPLE)),
        to=people,
        role=roles,
        begins=st.sampled_from((0, 0, 0, 3)),
        days=st.sampled_from((1, 10, 30, 91)),
        accepted=st.booleans(),
    )
    def a_role_is_lent(self, by: str, to: str, role: str, begins: int, days: int, *, accepted: bool) -> None:
        """Offered, and answered one way or the other."""
        giver, taker = self.person(by), self.person(to)
        first = clock.today() + timedelta(days=begins)
        last = first + timedelta(days=days - 1)
        said = {
            "role": role,
            "team": self.cast["team"],
            "starts_on": first,
            "ends_on": last,
            "reason": "Away.",
            "password": PASSWORD,
        }
        row = self.attempt("lend", lambda: services.offer_delegation(taker, by=giver, **said))
        if not row:
            return
        assert giver.pk != taker.pk and days <= 90
        assert role in self.held(giver, self.cast["team"].pk), f"{giver} lent {role} without holding it"
        assert "administrator" not in self.held(taker, self.cast["team"].pk)
        self.lent[row.pk] = Lent(giver.pk, taker.pk, role, first, last)
        if not accepted:
            self.attempt("decline", lambda: services.decline_delegation(row, by=taker))
        elif self.attempt("accept", lambda: services.accept_delegation(row, by=taker, password=PASSWORD, accept=True)):
            self.lent[row.pk].counts = True

    @rule(index=which, by=people, own=st.booleans())
    def a_delegation_is_ended(self, index: int, by: str, own: bool) -> None:
        rows = list(Delegation.objects.order_by("offered_at", "pk"))
        if rows:
            row = rows[index % len(rows)]
            person = self.person(self.name_of(row.delegator_id) if own else by)
            if self.attempt("end", lambda: services.end_delegation(row, by=person)):
                assert person.pk in {row.delegator_id, row.delegate_id}
                self.lent[row.pk].counts = False

    @rule(index=which, lent=which, by=people, own=st.booleans(), verdict=st.sampled_from(("approve",) * 6 + ("reject",)))
    def somebody_signs_for_another(self, index: int, lent: int, by: str, own: bool, verdict: str) -> None:
        """By any delegation that ever was, mostly by the person to whom it was given."""
        version, rows = self.version(index), list(Delegation.objects.with_parts().order_by("offered_at", "pk"))
        review = version and Review.objects.with_parts().filter(version=version).order_by("-opened_at", "-pk").first()
        if review and rows:
            row = rows[-1 - lent % len(rows)]
            person = self.person(self.name_of(row.delegate_id) if own else by)
            self.sign(review, person, row.role, verdict, delegation=row)

    def name_of(self, key: Any) -> str:
        return next(name for name in PEOPLE if self.cast[name].pk == key)

    def held(self, person: Any, team: Any) -> set[str]:
        rows = Membership.objects.filter(Q(team=None) | Q(team=team), person=person)
        return set(rows.values_list("role", flat=True))

    def sign(self, review: Review, person: Any, role: str, verdict: str, **more: Any) -> None:
        lent = more.get("delegation")
        behind = [person] + ([self.person(self.name_of(lent.delegator_id))] if lent else [])
        given = SignOff.objects.filter(review=review).select_related("withdrawal")
        before = {(key, one.digest) for one in given if not hasattr(one, "withdrawal") for key in (one.person, one.on_behalf_of)}
        shown = approval_sought(Review.objects.with_parts().get(pk=review.pk)).digest
        signed = self.attempt(
            "sign for another" if lent else "sign",
            lambda: services.sign_off(
                review,
                by=person,
                role=role,
                verdict=verdict,
                password=PASSWORD,
                seen=shown,
                comment="Read it.",
                accept=True,
                **more,
            ),
        )
        if not signed:
            return
        holder = behind[-1]
        assert role in self.held(holder, review.version.model.team_id), f"{person} signed as {role}, which {holder} does not hold"
        for one in behind:
            assert "administrator" not in self.held(one, review.version.model.team_id) and one.is_active
            assert one.pk not in self.hands[review.version_id], f"{person} signed {one}'s own work"
            assert (one.pk, signed.digest) not in before, f"{one} signed twice"
        if lent:
            seen = self.lent[lent.pk]
            assert seen.counts and seen.first <= clock.today() <= seen.last, f"{person} signed by what was not lent (any more)"
            assert (seen.giver, seen.taker, seen.role) == (holder.pk, person.pk, role)
            assert (signed.on_behalf_of, signed.delegation_id) == (holder.pk, lent.pk)
        else:
            assert signed.on_behalf_of is None

    @rule(index=which)
    def somebody_signs_and_thinks_again(self, index: int) -> None:
        version = self.version(index)
        review = version and Review.objects.with_parts().filter(version=version, state="open").first()
        if review:
            self.sign(review, self.person("validator"), "validator", "approve")
            self.a_signature_is_taken_back(0, "validator", own=True)

    @rule(index=which, by=people, own=st.booleans())
    def a_signature_is_taken_back(self, index: int, by: str, own: bool) -> None:
        rows = list(SignOff.objects.select_related("review").order_by("-signed_at", "-pk"))  # the newest first
        if rows:
            signed = rows[index % len(rows)]
            signers = [name for name in PEOPLE if self.cast[name].pk == signed.person]
            person = self.person(signers[0] if own else by)
            if self.attempt("take back", lambda: services.withdraw_signature(signed, by=person, password=PASSWORD)):
                assert signed.person == person.pk

    @rule(index=which)
    def a_version_comes_through_and_goes_live(self, index: int) -> None:
        """Two of these make a roll-back possible, which chance alone hardly ever does."""
        self.those_whose_turn_it_is_sign(index)
        self.a_version_is_released(index, "risk_manager")

    @rule(index=which, by=people, severity=st.sampled_from(("critical", "high", "low")))
    def a_finding_is_raised(self, index: int, by: str, severity: str) -> None:
        version, person = self.version(index), self.person(by)
        if version:
            due_on = clock.now().date() + timedelta(days=14)
            self.attempt(
                "find",
                lambda: services.raise_finding(
                    version, by=person, title="It drifts.", severity=severity, source="audit", due_on=due_on
                ),
            )

    @rule(index=which, by=people)
    def a_finding_is_mended_and_tried_again(self, index: int, by: str) -> None:
        rows = list(Finding.objects.order_by("raised_at", "pk"))
        if rows:
            finding, person = rows[index % len(rows)], self.person(by)
            self.attempt("mend", lambda: services.finding_is_mended(finding, by=self.person("scientist"), done="Trained anew."))
            finding.refresh_from_db()
            if self.attempt("retest", lambda: services.retest_finding(finding, by=person, passed=True, reason="It holds.")):
                assert person.pk != finding.owner_id

    @rule(index=which, by=people)
    def a_version_is_withdrawn(self, index: int, by: str) -> None:
        if version := self.version(index):
            self.attempt("withdraw", lambda: services.withdraw(version, by=self.person(by)))

    @rule(index=which)
    def an_approval_is_suspended(self, index: int) -> None:
        if version := self.version(index):
            self.attempt("suspend", lambda: services.suspend(version, reason="drift", by=self.person("officer")))

    @rule(index=which, by=st.sampled_from(("risk_manager",) * 4 + PEOPLE))
    def a_version_is_released(self, index: int, by: str) -> None:
        version, person = self.version(index), self.person(by)
        if version and self.attempt("release", lambda: services.release(version, environment=PRODUCTION, by=person)):
            self.released(version, person)

    @rule(by=st.sampled_from(("risk_manager",) * 6 + PEOPLE))
    def the_model_is_rolled_back(self, by: str) -> None:
        model, person = RegisteredModel.objects.first(), self.person(by)
        if model and self.attempt(
            "roll back", lambda: services.roll_back(model, environment=PRODUCTION, by=person, reason="Drift.")
        ):
            self.released(Release.objects.live().get(model=model, environment=PRODUCTION).version, person)

    def released(self, version: Version, person: Any) -> None:
        assert stands(version), f"{version} went live without signatures over what it is today"
        assert person.holds_anywhere(Role.RISK_MANAGER)

    @rule(index=which, by=st.sampled_from(("officer",) * 4 + PEOPLE), met=st.booleans())
    def a_condition_is_reported_and_answered(self, index: int, by: str, met: bool) -> None:
        rows = list(Condition.objects.with_parts().order_by("pk"))
        if not rows:
            return
        condition, person = rows[index % len(rows)], self.person(by)
        self.attempt("report", lambda: services.report_condition(condition, by=self.person("scientist"), report="Done."))
        answered = self.attempt(
            "answer",
            lambda: services.answer_condition(condition, by=person, met=met, reason="Seen.", password=PASSWORD, accept=True),
        )
        assert not answered or person.pk != condition.owner_id, "a condition's owner said that it is met"

    @rule(
        by=people,
        role=st.sampled_from(("validator", "compliance_officer", "data_scientist", "administrator")),
        give=st.booleans(),
    )
    def a_role_is_given_or_taken(self, by: str, role: str, give: bool) -> None:
        person, admin = self.person(by), self.person("admin")
        team = None if role == "administrator" else self.cast["team"]
        change = accounts.grant_role if give else accounts.revoke_role
        self.attempt("role", lambda: change(person, by=admin, role=role, team=team))

    @rule(days=st.sampled_from((1, 5, 20, 60, 400)))
    def time_goes_by(self, days: int) -> None:
        self.time.advance(days=days)

    @rule()
    def the_clock_does_what_is_due(self) -> None:
        for deed in due.falling_due:
            deed()

    # -- what must never be ----------------------------------------------------------------------------------------------

    @invariant()
    def the_gate_allows_only_what_is_signed_as_it_is_today_and_live(self) -> None:
        for version in Version.objects.with_parts().exclude(state="draft"):
            given = gate.answer(version.checkpoint_digest, PRODUCTION, asked_by=self.person("validator"))
            if given.allowed:
                assert stands(version), f"the gate lets {version} through"
                assert Release.objects.live().filter(version=version, environment=PRODUCTION).exists()

    @invariant()
    def one_version_is_live_in_an_environment(self) -> None:
        live = list(Release.objects.live().values_list("model", "environment"))
        assert len(live) == len(set(live))

    @invariant()
    def nothing_live_was_decided_against(self) -> None:
        gone = {"rejected", "withdrawn", "suspended", "retired", "draft"}
        assert not Release.objects.live().filter(version__state__in=gone).exists()

    @invariant()
    def every_state_is_what_the_log_says(self) -> None:
        for version in Version.objects.all():
            told = Entry.objects.filter(subject_type="version", subject_id=str(version.pk), type__in=SAYS).order_by("subject_seq")
            assert version.state == SAYS[told.last().type], f"{version} is {version.state} in secret"

    @invariant()
    def every_signature_for_another_rests_on_what_the_log_says_was_lent(self) -> None:
        for one in SignOff.objects.exclude(on_behalf_of=None):
            about = Entry.objects.filter(subject_type="delegation", subject_id=str(one.delegation_id))
            told = {entry.type: entry for entry in about}
            offer = told["delegation.offered"].data
            assert (offer["delegator"], offer["delegate"], offer["role"]) == (str(one.on_behalf_of), str(one.person), one.role)
            assert offer["starts_on"] <= one.signed_at.date().isoformat() <= offer["ends_on"]
            assert told["delegation.accepted"].at <= one.signed_at
            ended = told.get("delegation.ended") or told.get("delegation.expired")
            assert ended is None or one.signed_at <= ended.at

    @invariant()
    def no_event_is_lost(self) -> None:
        """Each subject's events are numbered without a gap, and every signature and release has its own."""
        numbers = defaultdict(list)
        for kind, key, seq in Entry.objects.exclude(subject_type="").values_list("subject_type", "subject_id", "subject_seq"):
            numbers[kind, key].append(seq)
        assert all(sorted(found) == list(range(1, len(found) + 1)) for found in numbers.values())
        signed = set(Entry.objects.filter(type="sign_off.given").values_list("pk", flat=True))
        assert signed == set(SignOff.objects.values_list("event", flat=True))
        assert Entry.objects.filter(type="release.made").count() == Release.objects.count()


def stands(version: Version) -> bool:
    """Whether enough people of each step signed what the version is today, read from the rows of signatures alone."""
    review = (
        Review.objects.filter(version=version, environment=PRODUCTION)
        .exclude(state="withdrawn")
        .order_by("-opened_at", "-pk")
        .first()
    )
    if review is None or version.state not in {"approved", "approved_with_conditions"}:
        return False
    if review.state == "open" and review.renews is not None and clock.now() < review.earlier_holds_until:
        review = review.renews  # looked at anew, while what was signed before goes on
    today = sha256_of(statement(version, policy=review.policy, environment=PRODUCTION, review=review.pk))
    rows = [
        one
        for one in SignOff.objects.filter(review=review, digest=today).select_related("withdrawal")
        if one.verdict in APPROVING and not hasattr(one, "withdrawal")
    ]
    enough = all(
        len({one.person for one in rows if one.role == step.role}) >= step.quorum for step in review.steps.all() if step.applies
    )
    days = review.policy.document.valid_days
    fresh = not days or (bool(rows) and clock.now() <= max(one.signed_at for one in rows) + timedelta(days=days))
    grave = Finding.objects.filter(version=version, severity="critical").exclude(state__in=["closed", "accepted"])
    late = Condition.objects.filter(review=review, sign_off__in=rows, state__in=["open", "reported"], due__lt=clock.now().date())
    behind = [key for one in rows for key in (one.person, one.on_behalf_of) if key]  # whoever signs for another counts as both
    return enough and fresh and not late.exists() and not grave.exists() and len(set(behind)) == len(behind)


def test_no_forbidden_state_is_ever_reached(
    request: pytest.FixtureRequest,
    make_person: Any,
    make_model: Any,
    team: Any,
    make_draft: Any,
    inspect: Any,
    measure: Any,
    frozen_clock: Any,
) -> None:
    cast = {name: request.getfixturevalue(name) for name in PEOPLE if name != "both"}
    cast |= {
        "team": team,
        "both": make_person("Bo Both", ("data_scientist", team), ("validator", team), ("compliance_officer", team)),
    }
    make_model()
    policy = in_force("high", PRODUCTION)
    publish(by=INSTALLER, body=policy.body | {"conditions": {"allowed": True, "most_days": 30}})
    done: dict[str, int] = defaultdict(int)

    class Story(Site):
        def teardown(self) -> None:
            for name, times in self.done.items():
                done[name] += times
            super().teardown()

    Story.cast, Story.time = cast, frozen_clock
    Story.make_draft, Story.inspect, Story.measure = staticmethod(make_draft), staticmethod(inspect), staticmethod(measure)
    run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize="STATE_MACHINE_EXAMPLES" not in os.environ,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
    unseen = HAPPENS - set(done)
    assert not unseen, f"no story came as far as: {', '.join(sorted(unseen))}"
