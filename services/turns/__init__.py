"""A turn's stored life: claimed under a lease, fenced at every step, its rounds and calls kept, ended once."""

from services.turns.claiming import Claimed, claim, hand_on, resume
from services.turns.ending import Reply, complete, fail
from services.turns.leases import Lease, LeaseLost, fence
from services.turns.rounds import NewCall, Understanding, commit_round, read_progress, save_draft, start_anew
from services.usage import Spent

__all__ = [
    "Claimed",
    "Lease",
    "LeaseLost",
    "NewCall",
    "Reply",
    "Spent",
    "Understanding",
    "claim",
    "commit_round",
    "complete",
    "fail",
    "fence",
    "hand_on",
    "read_progress",
    "resume",
    "save_draft",
    "start_anew",
]
