"""What the built-in assistant understands: dates, commands and which task is meant. Pure functions, no I/O."""
