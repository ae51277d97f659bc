"""The method by which the risk of a model is assessed: factors, weights, levels, thresholds and what the law demands, as data.

A method never changes: another one has the next version, and assessments keep the version and the digest of theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.canonical import sha256_of
from core.errors import InvalidInput
from data_registry.models import PiiFinding
from data_registry.special import SPECIAL
from models_registry.models import RiskTier

TOP = 3  # levels count from 0 to this


@dataclass(frozen=True, slots=True)
class Factor:
    """One question. `levels` are its answers from the least to the most; `floors` the tier that an answer demands by itself."""

    key: str
    title: str | Promise
    asks: str | Promise
    weight: int
    levels: tuple[str | Promise, ...]
    floors: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Regulation:
    """A law whose listed uses demand a tier. `uses` are its listed uses; none of them is the empty answer."""

    key: str
    title: str | Promise
    asks: str | Promise
    tier: str
    uses: Mapping[str, str | Promise]


@dataclass(frozen=True, slots=True)
class Method:
    version: int
    factors: tuple[Factor, ...]
    regulations: tuple[Regulation, ...]
    thresholds: Mapping[str, int]  # tier: the least score that makes it, in hundredths of the most
    special_tier: str  # where specially protected personal data reach the model

    def data(self) -> dict[str, Any]:
        """The method without its words: what the digest is over, so that a translation changes nothing."""
        return {
            "name": "countersign-risk",
            "version": self.version,
            "top": TOP,
            "factors": [
                {"key": one.key, "weight": one.weight, "floors": {str(level): tier for level, tier in one.floors.items()}}
                for one in self.factors
            ],
            "regulations": [{"key": one.key, "tier": one.tier, "uses": sorted(one.uses)} for one in self.regulations],
            "thresholds": dict(self.thresholds),
            "special_categories": {"tier": self.special_tier, "of": sorted(SPECIAL)},
        }

    @property
    def digest(self) -> str:
        return sha256_of(self.data())

    @property
    def asked(self) -> list[str]:
        """The keys of everything that needs a reason."""
        return [one.key for one in self.factors] + [one.key for one in self.regulations]


FIRST = Method(
    version=1,
    factors=(
        Factor(
            "harm",
            gettext_lazy("Harm"),
            gettext_lazy("What is the worst that a wrong answer does to somebody?"),
            6,
            (
                gettext_lazy("Nothing that anybody would notice."),
                gettext_lazy("Annoyance or a small loss that is made good."),
                gettext_lazy("A loss of money, work, schooling or access that hurts."),
                gettext_lazy("Harm to life, health, liberty or a fundamental right."),
            ),
            {3: RiskTier.HIGH.value},
        ),
        Factor(
            "autonomy",
            gettext_lazy("Autonomy"),
            gettext_lazy("What happens on its answer?"),
            5,
            (
                gettext_lazy("It is one hint among others."),
                gettext_lazy("A person decides, and looks at its answer first."),
                gettext_lazy("It decides; a person looks at some cases or on request."),
                gettext_lazy("It decides, and nobody looks before it takes effect."),
            ),
        ),
        Factor(
            "reversal",
            gettext_lazy("Reversal"),
            gettext_lazy("Can a wrong answer be noticed and put right?"),
            4,
            (
                gettext_lazy("At once, by whoever is concerned."),
                gettext_lazy("Within days, with little effort."),
                gettext_lazy("Late, or only by a complaint."),
                gettext_lazy("Hardly or never."),
            ),
        ),
        Factor(
            "reach",
            gettext_lazy("Reach"),
            gettext_lazy("How many people does it concern in a year?"),
            3,
            (
                gettext_lazy("None; it is about things."),
                gettext_lazy("Up to a thousand."),
                gettext_lazy("Up to a hundred thousand."),
                gettext_lazy("More."),
            ),
        ),
        Factor(
            "vulnerable",
            gettext_lazy("Who is concerned"),
            gettext_lazy("Are they children, patients, employees, applicants or others who can hardly object?"),
            3,
            (
                gettext_lazy("Nobody is concerned in person."),
                gettext_lazy("People who may choose freely."),
                gettext_lazy("Some of them depend on whoever uses it."),
                gettext_lazy("Mostly people who can hardly object."),
            ),
        ),
        Factor(
            "data",
            gettext_lazy("Data"),
            gettext_lazy("How well do its data stand for those it is used on?"),
            2,
            (
                gettext_lazy("Drawn from the same people or things, and checked."),
                gettext_lazy("Close to them, with known gaps."),
                gettext_lazy("From elsewhere, or with unknown gaps."),
                gettext_lazy("Nobody knows."),
            ),
        ),
        Factor(
            "explanation",
            gettext_lazy("Explanation"),
            gettext_lazy("Can somebody say why it answered as it did?"),
            2,
            (
                gettext_lazy("Yes, from the model itself."),
                gettext_lazy("Yes, by a method that was put to the test."),
                gettext_lazy("Roughly."),
                gettext_lazy("No."),
            ),
        ),
        Factor(
            "misuse",
            gettext_lazy("Misuse"),
            gettext_lazy("Could somebody gain by deceiving it or by using it for something else?"),
            2,
            (
                gettext_lazy("Hardly."),
                gettext_lazy("With effort and for little."),
                gettext_lazy("Yes; some protection is in place."),
                gettext_lazy("Yes; it stands open."),
            ),
        ),
    ),
    regulations=(
        Regulation(
            "annex_iii",
            gettext_lazy("EU AI Act, Annex III"),
            gettext_lazy("Is it used in one of the fields that Annex III calls high-risk?"),
            RiskTier.HIGH.value,
            {
                "biometrics": gettext_lazy("Biometric identification, categories or emotions"),
                "infrastructure": gettext_lazy("Safety of critical infrastructure"),
                "education": gettext_lazy("Education: admission, marks, supervision of tests"),
                "employment": gettext_lazy("Employment: hiring, promotion, tasks, supervision"),
                "services": gettext_lazy("Essential services: benefits, credit, insurance, emergency calls"),
                "law_enforcement": gettext_lazy("Law enforcement"),
                "migration": gettext_lazy("Migration, asylum and borders"),
                "justice": gettext_lazy("Justice and democratic processes"),
            },
        ),
        Regulation(
            "kr_high_impact",
            gettext_lazy("Korean AI Basic Act, high-impact"),
            gettext_lazy("Is it used in a listed field, with a significant effect on life, body or basic rights?"),
            RiskTier.HIGH.value,
            {
                "energy": gettext_lazy("Energy"),
                "water": gettext_lazy("Drinking water"),
                "health": gettext_lazy("Healthcare and medical devices"),
                "nuclear": gettext_lazy("Nuclear facilities"),
                "biometrics": gettext_lazy("Biometrics in criminal investigation"),
                "evaluation": gettext_lazy("Hiring, loans and other judgements of individuals"),
                "transport": gettext_lazy("Transport"),
                "public_services": gettext_lazy("Public services"),
                "education": gettext_lazy("Assessment of students"),
            },
        ),
    ),
    thresholds={RiskTier.MEDIUM.value: 30, RiskTier.HIGH.value: 60},
    special_tier=RiskTier.HIGH.value,
)
METHODS = {FIRST.version: FIRST}
METHOD = FIRST  # by which new assessments are made


@dataclass(frozen=True, slots=True)
class Result:
    """What the answers come to: `assessed` by the method alone, `minimum` by the law ("": none), `tier` by both."""

    score: int
    assessed: str
    minimum: str
    tier: str
    because: list[str]


def rank(tier: str) -> int:
    """Tiers in their order; what is not stated is below all."""
    return RiskTier.values.index(tier) if tier else -1


def result_of(levels: Mapping[str, int], uses: Mapping[str, str], categories: Collection[str], method: Method = METHOD) -> Result:
    """The score and the tier of these answers, where data of these specially protected categories reach the model."""
    require_answers(levels, uses, method)
    most = TOP * sum(one.weight for one in method.factors)
    score = 100 * sum(one.weight * levels[one.key] for one in method.factors) // most
    because = [_("The answers come to %(score)s of 100.") % {"score": score}]
    assessed = max((tier for tier, least in method.thresholds.items() if score >= least), key=rank, default=RiskTier.LOW.value)
    for one in method.factors:
        floor = one.floors.get(levels[one.key], "")
        if rank(floor) > rank(assessed):
            assessed = floor
            words = {"factor": one.title, "tier": RiskTier(floor).label.lower()}
            because.append(_("The answer under “%(factor)s” alone makes it %(tier)s.") % words)
    minimum = ""
    for law in method.regulations:
        if use := uses.get(law.key, ""):
            minimum = max(minimum, law.tier, key=rank)
            words = {"law": law.title, "use": law.uses[use], "tier": RiskTier(law.tier).label.lower()}
            because.append(_("%(law)s (%(use)s): at least %(tier)s.") % words)
    if categories:
        minimum = max(minimum, method.special_tier, key=rank)
        words = {"what": categories_words(categories), "tier": RiskTier(method.special_tier).label.lower()}
        because.append(_("Specially protected personal data reach it (%(what)s): at least %(tier)s.") % words)
    return Result(score, assessed, minimum, max(assessed, minimum, key=rank), because)


def categories_words(categories: Collection[str]) -> str:
    return ", ".join(str(PiiFinding.Category(one).label) for one in sorted(categories))


def require_answers(levels: Mapping[str, int], uses: Mapping[str, str], method: Method = METHOD) -> None:
    """Every factor has a level, and every law a known use or none; nothing else is said."""
    wrong = [one.key for one in method.factors if type(levels.get(one.key)) is not int or not 0 <= levels[one.key] <= TOP]
    wrong += [law.key for law in method.regulations if uses.get(law.key, "") not in {"", *law.uses}]
    wrong += sorted(str(key)[:40] for key in {*levels, *uses} - set(method.asked))
    if wrong:
        raise InvalidInput(
            _("Each factor is answered with a whole number from 0 to 3, each law with a use of its own or none. See: %(wrong)s.")
            % {"wrong": ", ".join(wrong)},
            code="assessment_answers",
        )


def require_reasons(reasons: Mapping[str, str], method: Method = METHOD) -> None:
    """Each answer has a reason, a law that does not apply too: that it does not is a finding of its own."""
    missing = [key for key in method.asked if not str(reasons.get(key, "")).strip()]
    unknown = sorted(str(key)[:40] for key in set(reasons) - set(method.asked))
    if missing or unknown:
        raise InvalidInput(
            _("Say why, for each answer. Look at: %(wrong)s.") % {"wrong": ", ".join(missing + unknown)},
            code="assessment_reasons",
        )
    if any(len(text) > 2000 or "\x00" in text for text in reasons.values()):
        raise InvalidInput(_("A reason has at most 2,000 characters."), code="assessment_reasons")
