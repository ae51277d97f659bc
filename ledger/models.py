"""The rows of the log. Only `ledger.acts` writes events, only `ledger.sequencer` leaves, only `ledger.services` seals."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, NoReturn

from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from core.ids import uuid7
from ledger.events import ref

if TYPE_CHECKING:
    BinaryField = models.BinaryField[bytes, bytes]
else:
    BinaryField = models.BinaryField


class Bytes(BinaryField):
    """A binary column that reads as `bytes`, not as the driver's memoryview."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> bytes | None:
        return None if value is None else bytes(value)


class AppendOnlyQuerySet(models.QuerySet):
    """Says readably what the database's triggers enforce."""

    def _refuse(self) -> NoReturn:
        name = self.model._meta.verbose_name_plural  # noqa: SLF001 - Django's documented Meta API
        raise TypeError(f"{name} are append-only: record a new fact instead.")

    def update(self, **values: Any) -> int:
        self._refuse()

    def delete(self) -> tuple[int, dict[str, int]]:
        self._refuse()

    def bulk_update(self, *args: Any, **options: Any) -> int:
        self._refuse()


class EventQuerySet(AppendOnlyQuerySet):
    def about(self, subject: Any) -> EventQuerySet:
        """The events on one row (or `Ref`)."""
        named = ref(subject)
        return self.filter(subject_type=named.kind, subject_id=named.key)

    def in_order(self) -> EventQuerySet:
        """The order of the log; what has no place in it yet comes last, in the order of writing."""
        return self.order_by(F("leaf__index").asc(nulls_last=True), F("pending__number").asc())


class Event(models.Model):
    """One recorded fact. `body` is what counts: the other columns repeat it for queries, and `fsck` compares them."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    type = models.CharField(max_length=100)
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=64)
    # Ids are kept as values: a foreign key would let a deleted row reach into the log, or keep the row from ever going.
    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=128)
    subject_seq = models.PositiveBigIntegerField(help_text="1, 2, 3 … for each subject, without a gap; 0 without a subject")
    request_id = models.CharField(max_length=64, blank=True)
    body = Bytes(help_text="RFC 8785 bytes; what the leaf's hash covers")
    leaf_hash = Bytes(max_length=32, help_text="SHA-256 of 0x00 and the body")

    objects: EventQuerySet = EventQuerySet.as_manager()  # type: ignore[assignment,misc] # the manager has the set's methods

    class Meta:
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "subject_seq"], name="ledger_event_subject"),
            models.Index(fields=["type", "at"], name="ledger_event_type"),
            models.Index(fields=["actor_id", "at"], name="ledger_event_actor"),
            models.Index(fields=["at"], name="ledger_event_at"),
        ]
        constraints = [
            UniqueConstraint(
                fields=["subject_type", "subject_id", "subject_seq"],
                condition=~Q(subject_type=""),
                name="ledger_event_one_place_per_subject",
            )
        ]

    def __str__(self) -> str:
        return self.type

    def content(self) -> dict[str, Any]:
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def data(self) -> dict[str, Any]:
        """What the event's own fields say; private ones show their commitment."""
        return self.content()["data"]

    @property
    def digest(self) -> str:
        """The leaf's hash in the form in which people read digests."""
        return "sha256:" + self.leaf_hash.hex()


Entry = Event  # the row, where `ledger.events.Event` (the fact) is in sight too


class Subject(models.Model):
    """Counts the events of one thing. Its row lock orders them."""

    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=128)
    seq = models.PositiveBigIntegerField()

    class Meta:
        constraints = [UniqueConstraint(fields=["kind", "key"], name="ledger_subject_once")]


class Pending(models.Model):
    """An event that waits for its place in the log. A database trigger writes it, the sequencer deletes it."""

    number = models.BigAutoField(primary_key=True)
    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="pending")
    event_id: uuid.UUID


class Leaf(models.Model):
    """An event's place in the log: 0, 1, 2 … without a gap."""

    index = models.PositiveBigIntegerField(primary_key=True)
    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="leaf")
    event_id: uuid.UUID
    hash = Bytes(max_length=32)

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "leaves"


class Node(models.Model):
    """A perfect subtree of 2**level leaves, level 1 upwards. Derived: it can be made again from the leaves."""

    level = models.PositiveSmallIntegerField()
    index = models.PositiveBigIntegerField()
    hash = Bytes(max_length=32)

    class Meta:
        constraints = [UniqueConstraint(fields=["level", "index"], name="ledger_node_once")]


class Tree(models.Model):
    """The log's present size and root. One row; who holds its lock is the sequencer."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    size = models.PositiveBigIntegerField(default=0)
    root = Bytes(max_length=32)
    peaks = Bytes(help_text="hashes of the perfect subtrees from the left, 32 bytes each")

    class Meta:
        constraints = [CheckConstraint(condition=Q(id=1), name="ledger_tree_is_one_row")]


class Seal(models.Model):
    """A signed head of the log: a C2SP checkpoint as a signed note."""

    size = models.PositiveBigIntegerField(unique=True)
    root = Bytes(max_length=32)
    note = models.TextField()
    at = models.DateTimeField()

    objects = AppendOnlyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"seal over {self.size} entries"

    @property
    def root_digest(self) -> str:
        return "sha256:" + self.root.hex()


class PrivateValue(models.Model):
    """What a commitment in the log stands for. Erasing it changes no leaf and no root."""

    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="private_values")
    event_id: uuid.UUID
    path = models.CharField(max_length=100)
    salt = Bytes(max_length=32)
    value = models.TextField()
    person = models.CharField(max_length=64, blank=True, help_text="pseudonym of the person whose erasure takes it along")

    class Meta:
        constraints = [UniqueConstraint(fields=["event", "path"], name="ledger_private_value_once")]
        indexes = [models.Index(fields=["person"], name="ledger_private_person")]
