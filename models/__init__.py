"""The tables, one file an aggregate, each beside the frozen value that a service reads its rows as. No behaviour."""
