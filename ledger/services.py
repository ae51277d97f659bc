"""What the log does for the other contexts: seal itself, prove an entry, forget a person."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core import clock
from core.errors import Missing
from ledger import proofs, sequencer, signer
from ledger.actors import Actor
from ledger.acts import act
from ledger.events import PrivateValuesErased, Ref
from ledger.fsck import Result as FsckResult
from ledger.fsck import fsck
from ledger.models import Leaf, PrivateValue, Seal, Tree
from ledger.notes import proof_text

__all__ = ["FsckResult", "Proof", "erase_person", "fsck", "latest_seal", "proof_of", "proofs_of", "seal_now", "sequence_and_seal"]


@dataclass(frozen=True, slots=True)
class Proof:
    """That one event stands at `index` in the log which `seal` signs."""

    index: int
    leaf_hash: bytes
    hashes: list[bytes]
    seal: Seal

    def text(self) -> str:
        """The proof as a C2SP tlog-proof file."""
        return proof_text(self.index, self.hashes, self.seal.note)


def sequence_and_seal() -> Seal | None:
    """Every event that waits now is in the log, and its head is sealed."""
    while sequencer.sequence() == sequencer.BATCH:
        pass
    return seal_now()


def seal_now() -> Seal | None:
    """The log's present head is sealed; None while the log is empty. Raises `SealRefused` for a log that was rewritten."""
    with transaction.atomic(durable=True):  # what is signed cannot be rolled back, so it must have been committed
        empty = Tree.objects.get().size == 0
    if empty and signer.remembered() is None:
        return None
    head, note = signer.seal_head(
        present=lambda: Tree.objects.values_list("size", "root").get(),
        prove=proofs.consistency,
        sealed_before=Seal.objects.exists,
    )
    sealed = Seal.objects.filter(size=head.size).first()
    if sealed is not None:
        return sealed
    try:
        with transaction.atomic():
            return Seal.objects.create(size=head.size, root=head.root, note=note, at=clock.now())
    except IntegrityError:  # another process sealed the same head
        return Seal.objects.get(size=head.size)


def latest_seal() -> Seal | None:
    """The newest seal."""
    return Seal.objects.order_by("-size").first()


def proof_of(event_id: uuid.UUID | str) -> Proof:
    """The proof of one event under the latest seal; `Missing` while it is not sealed yet."""
    return proofs_of([event_id])[0]


def proofs_of(event_ids: Iterable[uuid.UUID | str], *, seal: Seal | None = None) -> list[Proof]:
    """The proofs of several events under one seal (the latest by default), in the order of the log."""
    wanted = set(map(str, event_ids))
    seal = seal or latest_seal()
    size = seal.size if seal else 0
    leaves = list(Leaf.objects.filter(event_id__in=wanted, index__lt=size).order_by("index"))
    if seal is None or len(leaves) != len(wanted):
        raise Missing(
            _("The event is not under a seal yet. The log is sealed every few seconds; ask again."), code="not_sealed_yet"
        )
    paths = proofs.inclusion_of([leaf.index for leaf in leaves], size=size)
    return [Proof(leaf.index, leaf.hash, paths[leaf.index], seal) for leaf in leaves]


def erase_person(pseudonym: str, by: Actor) -> int:
    """Nothing that is kept privately about the person remains, and that is recorded; returns how many values there were."""
    with act(by) as this:
        rows = PrivateValue.objects.select_for_update().filter(person=pseudonym).order_by("event_id", "path")
        values = [f"{event_id}/{path}" for event_id, path in rows.values_list("event_id", "path")]
        PrivateValue.objects.filter(person=pseudonym).delete()
        this.record(PrivateValuesErased(count=len(values), values=tuple(values)), on=Ref("person", pseudonym))
    return len(values)
