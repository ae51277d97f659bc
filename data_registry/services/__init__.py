"""What people and workers do with data."""

from data_registry.services.datasets import draft_version, locate_content, receive_content, register_dataset, register_version
from data_registry.services.findings import record_finding
from data_registry.services.hold_outs import register_hold_out
from data_registry.services.links import link_versions
from data_registry.services.profiles import complete_profile, fail_profile, sweep_profiles

__all__ = [
    "complete_profile",
    "draft_version",
    "fail_profile",
    "link_versions",
    "locate_content",
    "receive_content",
    "record_finding",
    "register_dataset",
    "register_hold_out",
    "register_version",
    "sweep_profiles",
]
