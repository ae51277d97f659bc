"""What stands at the door: it notes what strangers try, on nobody's behalf."""

from ledger.actors import System

GATE = System("gate")
