"""Tasks in and out of files: JSON lines, Todoist's CSV, iCalendar, Markdown checklists, plain lines.

Both ways go piece by piece: neither a file nor a list is ever held whole.
"""

from services.exchange.exporting import export_tasks
from services.exchange.formats import EVENTS, FORMATS, TODOS, Format, format_of
from services.exchange.importing import import_tasks
from services.exchange.lines import LINE_LIMIT
from services.exchange.values import Dated, Dates, Outcome, Result

__all__ = [
    "EVENTS",
    "FORMATS",
    "LINE_LIMIT",
    "TODOS",
    "Dated",
    "Dates",
    "Format",
    "Outcome",
    "Result",
    "export_tasks",
    "format_of",
    "import_tasks",
]
