"""The parts of the soak: its model, its processes, its talkers, what it sees in the database, and what it counts."""
