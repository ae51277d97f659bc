"""Lineage: what a version came from, what came from it, and which personal data reaches it on the way.

Whoever links says where data comes from: the names along the way up are shown to everybody who sees the version.

All questions are one query each. The recursion keeps a set of versions, so that a lineage with many ways between two
versions costs what it has in edges, not in ways; the shortest way is found here, for the explanation.
"""

from __future__ import annotations

import json
import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db import connection
from django.utils.translation import gettext as _

from data_registry.models import DatasetVersion, Link, PiiFinding


@dataclass(frozen=True, slots=True)
class VersionName:
    """A dataset version as it is named in an explanation, without its row."""

    pk: uuid.UUID
    dataset: str
    number: int
    team: uuid.UUID

    def __str__(self) -> str:
        return f"{self.dataset} v{self.number}"


@dataclass(frozen=True, slots=True)
class PiiFlag:
    """Personal data that is (or may be) in a version itself or in something that it came from."""

    category: str
    column: str  # empty: the data as a whole
    dataset_version: VersionName  # where it lies
    way: tuple[tuple[str, str], ...]  # (kind of link, version) from there to the version that was asked about
    present: str  # yes | unknown
    bases: tuple[str, ...]  # declared, scanned, reviewed
    kinds: tuple[str, ...]  # what the scan recognised: email, phone...
    matched: int | None
    scanned: int | None

    @property
    def path(self) -> str:
        """`annotators v1 (email) ← labelled_by ← digits v2`: the way in one line, for programs and the record."""
        place = f"{self.dataset_version} ({self.column})" if self.column else str(self.dataset_version)
        return place + "".join(f" ← {kind} ← {version}" for kind, version in self.way)

    @property
    def sentence(self) -> str:
        """The way as people say it: "column “email” of annotators v1 (contact), which labelled digits v2"."""
        words = {"column": self.column, "version": self.dataset_version, "category": self.category_words}
        if self.column:
            place = _("column “%(column)s” of %(version)s (%(category)s)") % words
        else:
            place = _("%(version)s as a whole (%(category)s)") % words
        return place + "".join(f", {_led_to(kind) % {'version': version}}" for kind, version in self.way)

    @property
    def category_words(self) -> str:
        return str(PiiFinding.Category(self.category).label)

    @property
    def bases_words(self) -> str:
        return ", ".join(str(PiiFinding.Basis(basis).label) for basis in self.bases)


def _led_to(kind: str) -> str:
    """What a link means, told from the version above."""
    return {
        Link.Kind.LABELLED_BY.value: _("which labelled %(version)s"),
        Link.Kind.SPLIT_FROM.value: _("from which %(version)s was split"),
    }.get(kind, _("from which %(version)s was derived"))


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is known of personal data in versions and all that they came from. What is unknown is never left out."""

    present: list[PiiFlag]
    unknown: list[PiiFlag]
    not_assessed: list[VersionName]  # nobody said anything, and no scan was completed


def pii_of(versions: Iterable[DatasetVersion | uuid.UUID]) -> list[PiiFlag]:
    """The personal data that is present in `versions` or in anything they came from, in one query."""
    return assess(versions).present


def assess(versions: Iterable[DatasetVersion | uuid.UUID]) -> Assessment:
    """What is present, what may be, and which versions nobody looked at; in one query."""
    starts = [_key(version) for version in versions]
    reached = {row.name.pk: row for row in _reached(starts)}
    ways = _shortest_ways([start for start in starts if start in reached], reached)
    present: list[PiiFlag] = []
    unknown: list[PiiFlag] = []
    not_assessed: list[VersionName] = []
    for key, way in ways.items():
        row = reached[key]
        if not row.findings_ever and not row.profiled:
            not_assessed.append(row.name)
        for flag in _flags(row, way):
            (present if flag.present == "yes" else unknown).append(flag)
    return Assessment(present, unknown, not_assessed)


def reaches(version: DatasetVersion, other: DatasetVersion) -> bool:
    """Whether `version` came from `other`, over any number of links."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_UPWARDS} SELECT 1 FROM reached WHERE version = %s", [[version.pk], other.pk])  # noqa: S608 - constant text
        return cursor.fetchone() is not None


def contents_of(versions: Iterable[uuid.UUID]) -> dict[uuid.UUID, set[str]]:
    """For each version the digests of all whose rows went into it, its own included: over what it was derived or split from.
    What labelled it gave no rows. One query."""
    starts = list(set(versions))
    found: dict[uuid.UUID, set[str]] = {start: set() for start in starts}
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE reached (start, version) AS (SELECT one, one FROM unnest(%s::uuid[]) one UNION "
            "SELECT reached.start, link.to_version_id FROM reached "
            "JOIN data_registry_link link ON link.from_version_id = reached.version AND link.kind = ANY(%s)) "
            "SELECT reached.start, version.digest FROM reached "
            "JOIN data_registry_datasetversion version ON version.id = reached.version",
            [starts, [Link.Kind.DERIVED_FROM.value, Link.Kind.SPLIT_FROM.value]],
        )
        for start, digest in cursor.fetchall():
            found[start].add(digest)
    return found


@dataclass(frozen=True, slots=True)
class Step:
    """One edge on the way up or down from a version."""

    version: VersionName
    kind: str
    depth: int  # 1: directly linked

    @property
    def words(self) -> str:
        kind = str(Link.Kind(self.kind).label)
        return kind if self.depth == 1 else _("%(kind)s, %(depth)d links away") % {"kind": kind, "depth": self.depth}


def upstream(version: DatasetVersion, *, most: int = 200) -> list[Step]:
    """What the version came from, nearest first."""
    return _steps(version, "from_version_id", "to_version_id", most)


def downstream(version: DatasetVersion, *, most: int = 200) -> list[Step]:
    """What came from the version, nearest first."""
    return _steps(version, "to_version_id", "from_version_id", most)


# -- the queries -------------------------------------------------------------------------------------------------------

_UPWARDS = """
WITH RECURSIVE reached(version) AS (
    SELECT unnest(%s::uuid[])
    UNION
    SELECT link.to_version_id FROM data_registry_link link JOIN reached ON link.from_version_id = reached.version
)
"""

# A finding stands unless a data protection officer reviewed that column and category later; then the review stands.
_REACHED = f"""{_UPWARDS}
SELECT version.id, dataset.name, version.number, dataset.team_id,
    coalesce(profile.state = 'completed', false),
    EXISTS (SELECT 1 FROM data_registry_piifinding finding WHERE finding.dataset_version_id = version.id),
    (SELECT jsonb_agg(jsonb_build_array(link.kind, link.to_version_id) ORDER BY link.kind, link.to_version_id)
       FROM data_registry_link link WHERE link.from_version_id = version.id),
    (SELECT jsonb_agg(jsonb_build_object('category', finding.category, 'column', finding.column, 'kind', finding.kind,
                'present', finding.present, 'basis', finding.basis, 'matched', finding.matched, 'scanned', finding.scanned)
            ORDER BY finding.created_at, finding.id)
       FROM data_registry_piifinding finding
      WHERE finding.dataset_version_id = version.id AND finding.present <> 'no'
        AND NOT EXISTS (
            SELECT 1 FROM data_registry_piifinding review
             WHERE review.basis = 'reviewed' AND review.dataset_version_id = finding.dataset_version_id
               AND review.column = finding.column AND review.category = finding.category
               AND (review.created_at, review.id) > (finding.created_at, finding.id)))
  FROM reached
  JOIN data_registry_datasetversion version ON version.id = reached.version
  JOIN data_registry_dataset dataset ON dataset.id = version.dataset_id
  LEFT JOIN data_registry_profile profile ON profile.dataset_version_id = version.id
"""  # noqa: S608 - constant text, values are parameters


@dataclass(slots=True)
class _Row:
    name: VersionName
    profiled: bool
    findings_ever: bool
    links: list[tuple[str, uuid.UUID]] = field(default_factory=list)
    findings: list[dict] = field(default_factory=list)


def _reached(starts: list[uuid.UUID]) -> Iterator[_Row]:
    if not starts:
        return
    with connection.cursor() as cursor:
        cursor.execute(_REACHED, [starts])
        for key, dataset, number, team, profiled, findings_ever, links, findings in cursor.fetchall():
            yield _Row(
                VersionName(key, dataset, number, team),
                profiled,
                findings_ever,
                [(kind, uuid.UUID(to)) for kind, to in _parsed(links)],
                _parsed(findings),
            )


def _parsed(value: str | list | None) -> list:
    return json.loads(value) if isinstance(value, str) else value or []


def _shortest_ways(starts: list[uuid.UUID], reached: dict[uuid.UUID, _Row]) -> dict[uuid.UUID, tuple[tuple[str, str], ...]]:
    """For each version the links from it down to the version that was asked about, by the fewest links."""
    found: dict[uuid.UUID, tuple[tuple[str, str], ...]] = dict.fromkeys(starts, ())
    waiting = deque(starts)
    while waiting:
        here = waiting.popleft()
        for kind, up in reached[here].links:
            if up not in found:
                found[up] = ((kind, str(reached[here].name)), *found[here])
                waiting.append(up)
    return found


def _flags(row: _Row, way: tuple[tuple[str, str], ...]) -> Iterator[PiiFlag]:
    grouped: dict[tuple[str, str], list[dict]] = {}
    for finding in row.findings:
        grouped.setdefault((finding["column"], finding["category"]), []).append(finding)
    for (column, category), findings in grouped.items():
        # a scan may find several kinds in one column: the one with most matches gives the counts
        counted = max((one for one in findings if one["matched"] is not None), key=lambda one: one["matched"], default={})
        yield PiiFlag(
            category=category,
            column=column,
            dataset_version=row.name,
            way=way,
            present="yes" if any(one["present"] == "yes" for one in findings) else "unknown",
            bases=tuple(sorted({one["basis"] for one in findings})),
            kinds=tuple(sorted({one["kind"] for one in findings if one["kind"]})),
            matched=counted.get("matched"),
            scanned=counted.get("scanned"),
        )


def _steps(version: DatasetVersion, near: str, far: str, most: int) -> list[Step]:
    # UNION keeps one row for each (edge, depth); a version is told of once, where it is nearest.
    query = f"""
WITH RECURSIVE walk(version, kind, depth) AS (
    SELECT link.{far}, link.kind, 1 FROM data_registry_link link WHERE link.{near} = %s
    UNION
    SELECT link.{far}, link.kind, walk.depth + 1 FROM data_registry_link link JOIN walk ON link.{near} = walk.version
     WHERE walk.depth < 20
)
SELECT nearest.version, dataset.name, version.number, dataset.team_id, nearest.kind, nearest.depth
  FROM (SELECT DISTINCT ON (version, kind) version, kind, depth FROM walk ORDER BY version, kind, depth) nearest
  JOIN data_registry_datasetversion version ON version.id = nearest.version
  JOIN data_registry_dataset dataset ON dataset.id = version.dataset_id
 ORDER BY nearest.depth, dataset.name, version.number, nearest.kind
 LIMIT %s"""  # noqa: S608 - the names of columns are this module's own
    with connection.cursor() as cursor:
        cursor.execute(query, [version.pk, most])
        return [
            Step(VersionName(key, dataset, number, team), kind, depth)
            for key, dataset, number, team, kind, depth in cursor.fetchall()
        ]


def _key(version: DatasetVersion | uuid.UUID) -> uuid.UUID:
    return version if isinstance(version, uuid.UUID) else version.pk
