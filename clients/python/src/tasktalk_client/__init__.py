"""A client of Tasktalk: requests and live changes over one socket, resumed where it was lost."""

from tasktalk_client.changes import (
    Change,
    ConversationChanged,
    LabelChanged,
    MessageAdded,
    Progress,
    ReminderDue,
    Repeats,
    ResyncRequired,
    SettingsChanged,
    TaskChanged,
    ToolCallChanged,
    TurnChanged,
)
from tasktalk_client.client import Client
from tasktalk_client.errors import ClientError, OperationFailed, Refused, ServerLost, TurnGone
from tasktalk_client.link import PATIENCE, Patience
from tasktalk_client.store import Store
from tasktalk_client.turns import ENDED, Draft, TurnUpdate, TurnView

__all__ = [
    "ENDED",
    "PATIENCE",
    "Change",
    "Client",
    "ClientError",
    "ConversationChanged",
    "Draft",
    "LabelChanged",
    "MessageAdded",
    "OperationFailed",
    "Patience",
    "Progress",
    "Refused",
    "ReminderDue",
    "Repeats",
    "ResyncRequired",
    "ServerLost",
    "SettingsChanged",
    "Store",
    "TaskChanged",
    "ToolCallChanged",
    "TurnChanged",
    "TurnGone",
    "TurnUpdate",
    "TurnView",
]
