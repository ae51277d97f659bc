"""What the rows of an incoming register name, found in a constant number of queries; each refusal says which column is wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Q
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.models import Person, Team
from accounts.visibility import teams_visible_to
from data_registry.models import DatasetVersion
from governance.models import Finding
from governance.permissions.findings import can_own, makers_of_all
from governance.registers.cells import as_it_was
from governance.registers.steps import Refused
from models_registry.models import RegisteredModel, Version

if TYPE_CHECKING:
    from core.decisions import Decision
    from governance.registers.incoming import Row


def text_of(row: Row, name: str) -> str:
    """The cell without what an export put before it, one kind of line end, and nothing around it."""
    return plain(as_it_was(row.cells.get(name, "")))


def plain(text: str) -> str:
    """A text as a spreadsheet gives it back: one kind of line end, nothing around it."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


class Lookups:
    """Everything that the rows name and `by` sees."""

    def __init__(self, rows: list[Row], *, by: Person) -> None:
        self._by = by
        self._answers: dict[Any, Decision] = {}

        def texts(name: str) -> set[str]:
            return {text for row in rows if (text := text_of(row, name))}

        self._teams = {team.slug: team for team in teams_visible_to(by)}
        found = Finding.objects.visible_to(by).with_parts()
        ids, references = {key for text in texts("id") if (key := _uuid(text))}, texts("reference")
        self._findings: dict[Any, Finding] = {}
        self._by_reference: dict[str, list[Finding]] = defaultdict(list)
        for finding in found.filter(Q(pk__in=ids) | Q(reference__in=references)):
            self._findings[finding.pk] = finding
            if finding.reference:
                self._findings[finding.team_id, finding.reference] = finding
                self._by_reference[finding.reference].append(finding)
        models = RegisteredModel.objects.visible_to(by).filter(name__in=texts("model")).select_related("team", "owner")
        self._models = list(models)
        versions = Version.objects.visible_to(by).filter(model__in=self._models, number__in=_numbers(texts("version")))
        self._versions = {
            (one.model_id, one.number): one for one in versions.select_related("model__team", "model__owner", "training_run")
        }
        data = DatasetVersion.objects.visible_to(by).filter(dataset__name__in=texts("dataset"))
        data = data.filter(number__in=_numbers(texts("dataset_version")))
        self._data = list(data.select_related("dataset__team", "created_by"))
        owners = {key for text in texts("owner_id") if (key := _uuid(text))}
        self._people = list(Person.objects.visible_to(by).filter(Q(pk__in=owners) | Q(name__in=texts("owner"))))

    @cached_property
    def makers(self) -> dict[UUID, set[str]]:
        """Whose work the things are that the findings here are about; asked for once, and only where a row needs it."""
        return makers_of_all(one.subject for one in self._findings.values())

    def once(self, rule: Callable[[Person, Any], Decision], *about: Any) -> Decision:
        """The answer of a rule, asked once for the same things."""
        key = (rule, *(one.pk for one in about))
        if key not in self._answers:
            self._answers[key] = rule(*about)
        return self._answers[key]

    def finding(self, row: Row) -> Finding | None:
        """The finding that the row names by its id, or by its reference in its team; None for a new one."""
        if given := text_of(row, "id"):
            found = self._findings.get(_uuid(given))
            if found is None:
                raise Refused(
                    _("Column id: there is no such finding, or you may not see it. Leave the cell empty to raise a new one.")
                )
            return found
        reference = text_of(row, "reference")
        if not reference:
            return None
        if any(text_of(row, name) for name in ("team", "model", "dataset")):
            return self._findings.get((self._team_of(row).pk, reference))
        named = self._by_reference.get(reference, [])
        if len(named) > 1:
            raise Refused(_("Column reference: several teams have a finding of this reference. Name the team, too."))
        return named[0] if named else None

    def _team_of(self, row: Row) -> Team:
        if slug := text_of(row, "team"):
            return self._team(slug)
        thing = self.thing(row)
        found: Team = thing.team if isinstance(thing, RegisteredModel) else _of_version(thing)
        return found

    def _team(self, slug: str) -> Team:
        if slug not in self._teams:
            said = _("Column team: there is no team %(team)s, or you are not in it. Write its short name.")
            raise Refused(said % {"team": slug[:60]})
        return self._teams[slug]

    def thing(self, row: Row) -> RegisteredModel | Version | DatasetVersion:
        """What a new finding is about."""
        model, data = text_of(row, "model"), text_of(row, "dataset")
        if bool(model) == bool(data):
            raise Refused(_("Columns model and dataset: name in exactly one of them what the finding is about."))
        slug = text_of(row, "team")
        teams = {self._team(slug).pk} if slug else {team.pk for team in self._teams.values()}
        return self._model(row, model, teams) if model else self._dataset_version(row, data, teams)

    def _model(self, row: Row, name: str, teams: set[UUID]) -> RegisteredModel | Version:
        found = [one for one in self._models if one.name == name and one.team_id in teams]
        model = _only(found, "model", name)
        given = text_of(row, "version")
        if not given:
            return model
        version = self._versions.get((model.pk, _number(given, "version")))
        if version is None:
            raise Refused(_("Column version: %(model)s has no version %(number)s.") % {"model": name, "number": given[:12]})
        return version

    def _dataset_version(self, row: Row, name: str, teams: set[UUID]) -> DatasetVersion:
        given = text_of(row, "dataset_version")
        if not given:
            raise Refused(_("Column dataset_version: it is empty. Write the number of the version that the finding is about."))
        number = _number(given, "dataset_version")
        found = [one for one in self._data if (one.dataset.name, one.number) == (name, number) and one.dataset.team_id in teams]
        return _only(found, "dataset", f"{name} v{number}")

    def require_same(self, row: Row, finding: Finding) -> None:
        """What was found, and about what, is not rewritten: a cell that is filled says what stands."""
        about, data = finding.version, finding.dataset_version
        stands = {
            "reference": finding.reference,
            "title": finding.title,
            "description": finding.description,
            "source": finding.source,
            "team": finding.team.slug,
            "model": finding.model.name if finding.model else "",
            "version": str(about.number) if about else "",
            "dataset": data.dataset.name if data else "",
            "dataset_version": str(data.number) if data else "",
        }
        for name, value in stands.items():
            given = text_of(row, name)
            if given and given != plain(value):
                said = _("Column %(column)s: it differs from what stands here, which is not rewritten. Empty the cell.")
                raise Refused(said % {"column": name})

    def owner(self, row: Row, team: Team, *, now: Person | None = None) -> Person | None:
        """Whom the row names, by the pseudonym or else by the name; None where it names nobody."""
        given, name = text_of(row, "owner_id"), text_of(row, "owner")
        if not given and not name:
            return None
        if now is not None and (given == str(now.pk) or (not given and name == now.name)):
            return now
        column = "owner_id" if given else "owner"
        found = [one for one in self._people if (str(one.pk) == given if given else one.name == name)]
        able = [one for one in found if self.once(can_own, one, team)]
        if found and not able:
            raise Refused(f"{_('Column %(column)s:') % {'column': column}} {self.once(can_own, found[0], team).reason}")
        if len(able) != 1:
            said = (
                _("Column %(column)s: several people have this name. Write the pseudonym in owner_id.")
                if able
                else _("Column %(column)s: there is no such person, or you may not see them.")
            )
            raise Refused(said % {"column": column})
        return able[0]

    def severity(self, row: Row, *, required: bool = False) -> str:
        return _choice(row, "severity", Finding.Severity.values, required=required)

    def source(self, row: Row) -> str:
        return _choice(row, "source", Finding.Source.values)

    def state(self, row: Row) -> str:
        return _choice(row, "state", Finding.State.values)

    def due_on(self, row: Row, *, required: bool = False) -> date | None:
        given = text_of(row, "due_on")
        if not given and not required:
            return None
        try:
            if len(given) != len("2027-01-31"):
                raise ValueError
            return date.fromisoformat(given)
        except ValueError as error:
            said = (
                _("Column due_on: %(given)s is no day. Write it as 2027-01-31.")
                if given
                else _("Column due_on: it is empty. Write the due date as 2027-01-31.")
            )
            raise Refused(said % {"given": f"“{given[:20]}”"}) from error


def _choice(row: Row, name: str, known: list[str], *, required: bool = False) -> str:
    given = text_of(row, name).lower()
    if given in known or (not given and not required):
        return given
    said = _("Column %(column)s: write one of %(known)s.")
    raise Refused(said % {"column": name, "known": ", ".join(known)})


def _only(found: list[Any], column: str, name: str) -> Any:
    if len(found) == 1:
        return found[0]
    said = (
        _("Column %(column)s: several teams have %(name)s. Name the team, too.")
        if found
        else _("Column %(column)s: there is no %(name)s, or you may not see it.")
    )
    raise Refused(said % {"column": column, "name": name[:80]})


def _of_version(thing: Version | DatasetVersion) -> Team:
    return thing.model.team if isinstance(thing, Version) else thing.dataset.team


def _number(text: str, column: str) -> int:
    found = _numbers({text})
    if not found:
        raise Refused(_("Column %(column)s: write the number alone, such as 3.") % {"column": column})
    return found[0]


def _numbers(texts: set[str]) -> list[int]:
    """The numbers that a row of this site can have; `3` and `v3` are both written."""
    found = {text.lower().removeprefix("v") for text in texts}
    return [int(text) for text in found if text.isascii() and text.isdigit() and len(text) <= 9]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
