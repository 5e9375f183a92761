"""Everything that can be done with recorded work, by name.

Coordinators record (`recording`) and finish their drafts (`drafts`); facilities and the agency decide (`decisions`).
"""

from staffing.worklog.decisions import (
    Approval,
    approve,
    dispute,
    mark_invoiced,
    resolve,
    settle_by_credit,
    undo_approval,
    unmark_invoiced,
    withdraw_dispute,
)
from staffing.worklog.drafts import Submission, describe, submit_week, take_back, withdraw
from staffing.worklog.recording import Work, add_entry, start_timer, stop_timer, switch_timer

__all__ = [
    "Approval",
    "Submission",
    "Work",
    "add_entry",
    "approve",
    "describe",
    "dispute",
    "mark_invoiced",
    "resolve",
    "settle_by_credit",
    "start_timer",
    "stop_timer",
    "submit_week",
    "switch_timer",
    "take_back",
    "undo_approval",
    "unmark_invoiced",
    "withdraw",
    "withdraw_dispute",
]
