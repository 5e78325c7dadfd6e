"""What can be done with conversations, tasks and users: the rules, free of GraphQL and of HTTP."""
