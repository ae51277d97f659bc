"""What every page of a version shares, in this package and in the higher ones: who sees it, and its frame."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _

from models_registry.models import Version
from models_registry.parts import version_tabs


def visible_version(request: HttpRequest, pk: UUID) -> Version:
    """The version, if the person may see it; else 404."""
    return get_object_or_404(Version.objects.visible_to(request.user).with_parts(), pk=pk)


_FORMATS = {
    "safetensors": _("safetensors"),
    "torch-zip": _("PyTorch file (torch.save)"),
    "torch-legacy": _("PyTorch file of the old form (torch.save)"),
    "torch-tar": _("PyTorch file of the first releases (tar)"),
    "torch-module": _("whole pickled module"),
    "torchscript": _("TorchScript program"),
    "torch-export-pt2": _("exported program (.pt2)"),
    "lightning": _("Lightning checkpoint"),
    "fastai": _("fastai learner"),
    "unknown": _("not known here"),
    "unreadable": _("could not be read"),
}


def format_words(name: str) -> str:
    """The format that the inspection recognised, as people call it; an uncommon one by its own name."""
    return str(_FORMATS.get(name, name))


def shell(version: Version) -> dict[str, Any]:
    """What the frame of every page of a version needs."""
    return {"version": version, "tabs": list(version_tabs)}
