"""What the built-in assistant understands: dates and times, commands, and which task is meant. Pure functions, no I/O."""
