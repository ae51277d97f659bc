"""Which categories of personal data the law protects beyond others: GDPR Art. 9 and 10, the Korean PIPA Art. 23 and 24."""

from __future__ import annotations

from data_registry.models import PiiFinding

_Category = PiiFinding.Category

# Special categories and criminal records: what they can do to a person, no later correction undoes.
SPECIAL = frozenset(
    {
        _Category.HEALTH,
        _Category.BIOMETRIC,
        _Category.GENETIC,
        _Category.RACIAL_ETHNIC,
        _Category.POLITICAL,
        _Category.RELIGIOUS,
        _Category.UNION,
        _Category.SEX_LIFE,
        _Category.CRIMINAL,
    }
)
# Only a data protection officer says of these that they may be there; resident registration numbers need a statute.
OFFICERS_DECISION = SPECIAL | {_Category.GOVERNMENT_ID}
