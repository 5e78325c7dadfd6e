"""Token verification: what is believed and what is not."""
