"""A turn's stored life: claimed under a lease, fenced at every step, its rounds and calls kept, ended once."""

from services.turns.calling import begin_call
from services.turns.cancelling import cancel, cancel_as_worker, note_cancel
from services.turns.claiming import Claimed, claim, hand_on, resume
from services.turns.confirming import (
    Decision,
    Edited,
    answer_with,
    decide,
    expired,
    is_expired,
    no_longer_waiting,
    pass_over,
    wait_for_user,
    waiting_calls,
)
from services.turns.drafting import Draft, save_drafts
from services.turns.ending import Reply, complete, fail, wake_waiting
from services.turns.leases import Lease, LeaseLost, fence, hold
from services.turns.locking import lock_turn
from services.turns.retrying import retry
from services.turns.rounds import (
    Committed,
    NewCall,
    Understanding,
    commit_round,
    complete_round,
    joined,
    read_draft,
    read_progress,
    show_again,
    start_anew,
)
from services.usage import Spent

__all__ = [
    "Claimed",
    "Committed",
    "Decision",
    "Draft",
    "Edited",
    "Lease",
    "LeaseLost",
    "NewCall",
    "Reply",
    "Spent",
    "Understanding",
    "answer_with",
    "begin_call",
    "cancel",
    "cancel_as_worker",
    "claim",
    "commit_round",
    "complete",
    "complete_round",
    "decide",
    "expired",
    "fail",
    "fence",
    "hand_on",
    "hold",
    "is_expired",
    "joined",
    "lock_turn",
    "no_longer_waiting",
    "note_cancel",
    "pass_over",
    "read_draft",
    "read_progress",
    "resume",
    "retry",
    "save_drafts",
    "show_again",
    "start_anew",
    "wait_for_user",
    "waiting_calls",
    "wake_waiting",
]
