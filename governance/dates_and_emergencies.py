"""What dates and emergencies give to the rest of the site, in one place: done by the clock, counted, shown."""

from __future__ import annotations

from core.navigation import waiting_for
from governance import attestations
from governance.due import falling_due
from governance.mail.sending import mail_what_happened
from governance.models import EmergencyApproval
from governance.parts import dates as dated
from governance.parts import inbox_parts
from governance.services import falling_due as dates
from governance.services import looking_anew, revoke_ended_emergencies
from ledger.protection import protect


def register() -> None:
    """Called once the apps are ready."""
    falling_due.register("overdue", dates.put_overdue_before_others, order=20)
    falling_due.register("reminders", dates.remind_of_ends, order=21)
    falling_due.register("expiry", dates.expire_approvals, order=22)
    falling_due.register("periodic", looking_anew.open_periodic_reviews, order=24)  # after what has ended already
    falling_due.register("material", looking_anew.open_for_material_changes, order=25)
    falling_due.register("grace", looking_anew.end_graces, order=26)
    falling_due.register("emergencies", revoke_ended_emergencies, order=23)
    protect(EmergencyApproval)
    falling_due.register("attestations", attestations.take_back_what_ran_out, order=190)  # after all that suspends
    falling_due.register("mail", mail_what_happened, order=300)
    waiting_for.register("overdue", dated.waiting)
    inbox_parts.register("dates", dated.inbox_part, order=10)
