"""Erasing a person changes no leaf and no root, and is itself an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ledger import services
from ledger.actors import System
from ledger.events import Ref
from ledger.fsck import fsck
from ledger.models import Event, Leaf, PrivateValue, Tree

Story = Callable[[], list[str]]


def test_erasing_a_person_changes_no_leaf_and_no_root(db: None, note: Callable[..., Any], ada: System, story: Story) -> None:
    mine = note(2, on=Ref("thing", "1"), by=ada, comment="mine")
    others = note(1, on=Ref("thing", "1"), comment="about Ada", of="0197-ada")
    kept = note(1, on=Ref("thing", "1"), by=System("0197-bob", actor_kind="person"), comment="another's")
    services.sequence_and_seal()
    before = (list(Leaf.objects.order_by("index").values_list("hash", flat=True)), Tree.objects.get().root)
    bodies = dict(Event.objects.values_list("pk", "body"))

    assert services.erase_person("0197-ada", System("0197-dpo", actor_kind="person")) == 3

    assert list(PrivateValue.objects.values_list("event_id", "value")) == [(kept[0], "another's")]
    assert (list(Leaf.objects.order_by("index").values_list("hash", flat=True)), Tree.objects.get().root) == before
    assert {pk: body for pk, body in Event.objects.values_list("pk", "body") if pk in bodies} == bodies
    assert story() == ["thing.noted"] * 4 + ["private_values.erased"]
    erased = Event.objects.about(Ref("person", "0197-ada")).get()
    assert erased.data == {"count": 3, "values": sorted(f"{pk}/comment" for pk in [*mine, *others])}
    assert services.proof_of(mine[0]).seal.root == before[1]
    services.sequence_and_seal()
    assert fsck().holds


def test_equal_values_cannot_be_linked(db: None, note: Callable[..., Any], ada: System) -> None:
    note(2, by=ada, comment="the same words")
    commitments = {entry.data["comment"]["commitment"] for entry in Event.objects.all()}
    assert len(commitments) == 2
