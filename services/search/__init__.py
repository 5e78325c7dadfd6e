"""Search over tasks, messages and conversations: one ranked list, the rows that hold a text, and the parts of a text
that a query means."""

from services.search.containing import may_contain, narrowed
from services.search.finding import FOUND, Found, Hit, search
from services.search.following import STEP, catch_up, follow
from services.search.snippets import Part, as_html, snippet

__all__ = [
    "FOUND",
    "STEP",
    "Found",
    "Hit",
    "Part",
    "as_html",
    "catch_up",
    "follow",
    "may_contain",
    "narrowed",
    "search",
    "snippet",
]
