"""Recomputes the whole log from the bodies and says what the first damaged entry is.

Proofs look at hashes only; an edited body shows up here. What this cannot see: statements that were false when they were
recorded, and a rewriting of what came after the last seal that somebody else holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from core.canonical import canonical_bytes
from core.clock import stamp
from core.errors import DomainError
from core.snapshots import one_moment
from ledger import protection, signer
from ledger.merkle import EMPTY_ROOT, Frontier, hash_leaf
from ledger.models import Event, Leaf, Node, Pending, PrivateValue, Seal, Subject, Tree
from ledger.notes import BadNote, Head, open_note, read_head
from ledger.private import commitment

CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Result:
    """`holds`, or the first thing that does not: at which entry (index in the log, id of the event) and what."""

    holds: bool
    size: int  # entries recomputed
    sentence: str
    index: int | None = None
    event_id: str | None = None


class _Damage(Exception):
    def __init__(self, sentence: str, *, index: int | None = None, event_id: object = None) -> None:
        super().__init__(sentence)
        self.index = index
        self.event_id = None if event_id is None else str(event_id)


def fsck() -> Result:
    """Whether the log is what was recorded: bodies, columns, places, tree, seals, erasable values and triggers."""
    frontier = Frontier()
    try:
        memory = _memory()  # before the snapshot: what is sealed meanwhile is no damage
        with one_moment():
            tree = Tree.objects.get()
            roots = _check_entries(tree, frontier, memory)
            seals = _check_seals(tree, roots)
            _check_head(tree, frontier, roots, memory)
            _check_outbox()
            _check_private_values()
            _check_protection()
    except _Damage as damage:
        return Result(False, frontier.size, str(damage), damage.index, damage.event_id)
    return Result(True, tree.size, _("%(size)s entries and %(seals)s seals hold.") % {"size": tree.size, "seals": seals})


def _leaves(size: int) -> Iterator[Leaf]:
    return Leaf.objects.filter(index__lt=size).select_related("event").order_by("index").iterator(chunk_size=CHUNK)


def _check_entries(tree: Tree, frontier: Frontier, memory: Head | None) -> dict[int, bytes]:
    """Every entry and inner node in turn; returns the recomputed root at each sealed size."""
    sealed = set(Seal.objects.filter(size__lte=tree.size).values_list("size", flat=True))
    if memory:
        sealed.add(memory.size)
    roots: dict[int, bytes] = {}
    places: dict[tuple[str, str], int] = {}
    made: list[tuple[int, int, bytes]] = []
    for leaf in _leaves(tree.size):
        if leaf.index != frontier.size:
            raise _Damage(_("Entry %(size)s is missing from the log.") % {"size": frontier.size}, index=frontier.size)
        _check_entry(leaf, places)
        made += frontier.append(leaf.hash)
        if len(made) >= CHUNK:
            _check_nodes(made)
            made = []
        if frontier.size in sealed:
            roots[frontier.size] = frontier.root()
    if frontier.size != tree.size:
        raise _Damage(_("Entry %(size)s is missing from the log.") % {"size": frontier.size}, index=frontier.size)
    _check_nodes(made)
    _check_counters(places)
    return roots


def _check_entry(leaf: Leaf, places: dict[tuple[str, str], int]) -> None:
    event = leaf.event

    def damaged(what: str) -> _Damage:
        return _Damage(
            _("Entry %(index)s (%(type)s, %(id)s): %(what)s")
            % {"index": leaf.index, "type": event.type, "id": event.pk, "what": what},
            index=leaf.index,
            event_id=event.pk,
        )

    computed = hash_leaf(event.body)
    if computed != leaf.hash:
        raise damaged(_("the body is not what entered the log."))
    if computed != event.leaf_hash:
        raise damaged(_("the stored hash is not the hash of the body."))
    try:
        body = json.loads(event.body)
        if canonical_bytes(body) != event.body:
            raise damaged(_("the body is not in canonical form."))
        differing = [name for name, said, stored in _columns(body, event) if said != stored]
    except (ValueError, KeyError, TypeError, DomainError) as error:
        raise damaged(_("the body cannot be read.")) from error
    if differing:
        raise damaged(_("the column %(differing)s says something else than the body.") % {"differing": differing[0]})
    if event.subject_type:
        subject = (event.subject_type, event.subject_id)
        expected = places.get(subject, 0) + 1
        if event.subject_seq != expected:
            raise damaged(
                _("it is number %(number)s of its subject where number %(expected)s was due.")
                % {"number": event.subject_seq, "expected": expected}
            )
        places[subject] = expected


def _columns(body: dict[str, Any], event: Event) -> list[tuple[str, Any, Any]]:
    return [
        ("id", body["id"], str(event.pk)),
        ("type", body["type"], event.type),
        ("at", body["at"], stamp(event.at)),
        ("actor_kind", body["actor"]["kind"], event.actor_kind),
        ("actor_id", body["actor"]["id"], event.actor_id),
        ("subject_type", body["on"]["type"], event.subject_type),
        ("subject_id", body["on"]["id"], event.subject_id),
        ("subject_seq", body["on"]["seq"], event.subject_seq),
        ("request_id", body["request"], event.request_id),
    ]


def _check_nodes(made: list[tuple[int, int, bytes]]) -> None:
    by_level: dict[int, dict[int, bytes]] = {}
    for level, index, node in made:
        by_level.setdefault(level, {})[index] = node
    for level, nodes in sorted(by_level.items()):
        found = dict(Node.objects.filter(level=level, index__in=list(nodes)).values_list("index", "hash"))
        for index, node in sorted(nodes.items()):
            if found.get(index) != node:
                first, last = index << level, (index + 1 << level) - 1
                raise _Damage(
                    _("The tree no longer matches the entries %(first)s to %(last)s.") % {"first": first, "last": last},
                    index=first,
                )


def _check_counters(places: dict[tuple[str, str], int]) -> None:
    waiting: dict[tuple[str, str], int] = {}
    for kind, key in Event.objects.filter(leaf=None).exclude(subject_type="").values_list("subject_type", "subject_id"):
        waiting[kind, key] = waiting.get((kind, key), 0) + 1
    for kind, key, seq in Subject.objects.values_list("kind", "key", "seq").iterator(chunk_size=CHUNK):
        if places.get((kind, key), 0) + waiting.get((kind, key), 0) < seq:
            raise _Damage(
                _("The last events on %(kind)s %(key)s are missing: %(seq)s were recorded.")
                % {"kind": kind, "key": key, "seq": seq}
            )


def _memory() -> Head | None:
    try:
        return signer.remembered()
    except DomainError as error:
        raise _Damage(str(error)) from error


def _check_seals(tree: Tree, roots: dict[int, bytes]) -> int:
    """Every seal holds over the recomputed entries; returns how many there are."""
    seals = list(Seal.objects.order_by("size"))
    public = signer.public_key() if seals else b""
    intact = 0
    for seal in seals:
        if seal.size > tree.size:
            raise _Damage(
                _("The log was sealed at %(sealed)s entries and now holds %(size)s.") % {"sealed": seal.size, "size": tree.size},
                index=tree.size,
            )
        try:
            head = read_head(open_note(seal.note, name=signer.origin(), public=public))
        except BadNote as error:
            raise _Damage(_("The seal over %(size)s entries is not signed by the log's key.") % {"size": seal.size}) from error
        if head != Head(signer.origin(), seal.size, seal.root):
            raise _Damage(_("The seal over %(size)s entries differs from its signed text.") % {"size": seal.size})
        if seal.root != roots.get(seal.size, EMPTY_ROOT):
            raise _Damage(
                _("Between entry %(intact)s and entry %(size)s the log is not what was sealed.")
                % {"intact": intact, "size": seal.size - 1},
                index=intact,
            )
        intact = seal.size
    return len(seals)


def _check_head(tree: Tree, frontier: Frontier, roots: dict[int, bytes], memory: Head | None) -> None:
    if memory and memory.size > tree.size:
        raise _Damage(
            _("The signer sealed %(sealed)s entries and the log now holds %(size)s.")
            % {"sealed": memory.size, "size": tree.size},
            index=tree.size,
        )
    if memory and memory.root != roots.get(memory.size, EMPTY_ROOT):
        raise _Damage(_("Up to entry %(size)s the log is not what the signer sealed.") % {"size": memory.size - 1})
    if frontier.root() != tree.root or b"".join(frontier.peaks) != tree.peaks:
        raise _Damage(_("The stored root is not the root of the entries."))


def _check_outbox() -> None:
    lost = Event.objects.filter(leaf=None, pending=None).first()
    if lost:
        raise _Damage(
            _("The event %(id)s (%(type)s) neither stands in the log nor waits for it.") % {"id": lost.pk, "type": lost.type},
            event_id=lost.pk,
        )
    twice = Pending.objects.exclude(event__leaf=None).first()
    if twice:
        raise _Damage(_("An event stands in the log and waits for it too."), event_id=twice.event_id)


def _check_private_values() -> None:
    for value in PrivateValue.objects.select_related("event").iterator(chunk_size=CHUNK):
        committed = value.event.data.get(value.path)
        if committed != {"commitment": commitment(value.path, value.value, salt=value.salt)}:
            raise _Damage(
                _("The value of %(path)s on event %(event_id)s is not the one that the log is committed to.")
                % {"path": value.path, "event_id": value.event_id},
                event_id=value.event_id,
            )


def _check_protection() -> None:
    gone = protection.missing()
    if gone:
        raise _Damage(
            _("The entries hold, but the database no longer protects them: %(gone)s is not in force.") % {"gone": ", ".join(gone)}
        )
