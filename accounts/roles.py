"""The roles of the house, and which of them no person may hold together."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    DATA_SCIENTIST = "data_scientist", _("Data scientist")
    VALIDATOR = "validator", _("Validator")
    COMPLIANCE_OFFICER = "compliance_officer", _("Compliance officer")
    DATA_PROTECTION_OFFICER = "data_protection_officer", _("Data protection officer")
    RISK_MANAGER = "risk_manager", _("Risk manager")
    AUDITOR = "auditor", _("Auditor")
    ADMINISTRATOR = "administrator", _("Administrator")


# Whoever hands out roles must not use them: an administrator who signs could approve alone what four eyes must see.
SIGNING_ROLES = frozenset({Role.VALIDATOR, Role.COMPLIANCE_OFFICER, Role.DATA_PROTECTION_OFFICER, Role.RISK_MANAGER})


class Scope(models.TextChoices):
    """What a key may do; a person's own roles bound it further. No scope signs: keys never sign."""

    READ = "read", _("Read what its owner may see")
    SUBMIT = "submit", _("Register data, runs and models; submit versions")
    OBSERVE = "observe", _("Send observations from production")
    GOVERN = "govern", _("Release, roll back, make reports")
    ADMINISTER = "administer", _("People, teams and keys")
