"""GraphQL types and resolvers, one module a domain. They translate and hold no rule."""
