"""What a model learned from: datasets, their versions, how they descend from one another, and what is known of personal data."""

from data_registry.models.dataset import Dataset
from data_registry.models.hold_out import HoldOut
from data_registry.models.link import Link
from data_registry.models.pii import PiiFinding
from data_registry.models.profile import Profile
from data_registry.models.version import DatasetVersion
from ledger.protection import protect

__all__ = ["Dataset", "DatasetVersion", "HoldOut", "Link", "PiiFinding", "Profile"]

# Registered versions, their lineage and what was found in them are what signatures rest on: the database keeps them.
protect(DatasetVersion, when="OLD.state = 'registered'")
protect(HoldOut)
protect(Link)
protect(PiiFinding)
