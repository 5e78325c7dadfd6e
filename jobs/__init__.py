"""The queue that wakes conversations: the only room that knows procrastinate."""
