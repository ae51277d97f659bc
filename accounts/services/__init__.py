"""One function for each thing that can be done with people, teams, roles and keys."""

from accounts.services.keys import make_key, note_refused_key, revoke_key
from accounts.services.people import deactivate_person, erase_person, grant_role, make_person, make_team, revoke_role
from accounts.services.proof import Proof, ProofFailed, minutes_locked, prove

__all__ = [
    "Proof",
    "ProofFailed",
    "deactivate_person",
    "erase_person",
    "grant_role",
    "make_key",
    "make_person",
    "make_team",
    "minutes_locked",
    "note_refused_key",
    "prove",
    "revoke_key",
    "revoke_role",
]
