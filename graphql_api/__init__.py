"""The edge: transport, limits, errors, the schema's assembly and the command line. Holds no rule of the to-do list."""
