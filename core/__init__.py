"""Ground floor: settings, database, clock, ids, errors, logging. Imports nothing of the house."""
