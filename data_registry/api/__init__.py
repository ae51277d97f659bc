"""Data over REST: datasets, their versions, content, lineage and findings about personal data.

A version is made in three steps: describe it (its provenance is checked before anything is sent), send its content as a
raw body (or say where it stays), register it. From then on it never changes.
"""

from data_registry.api.datasets import Datasets, Versions
from data_registry.api.versions import Content, Findings, HoldOut, Links, Location, Registration, Version

__all__ = ["Content", "Datasets", "Findings", "HoldOut", "Links", "Location", "Registration", "Version", "Versions"]
