"""Search over tasks, messages and conversations: one ranked list, and the parts of a text that a query means."""

from services.search.finding import FOUND, Found, Hit, search
from services.search.snippets import Part, as_html, snippet

__all__ = ["FOUND", "Found", "Hit", "Part", "as_html", "search", "snippet"]
