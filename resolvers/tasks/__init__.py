"""Tasks and labels in GraphQL."""
