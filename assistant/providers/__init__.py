"""What a provider is, and the two there are: openai (any compatible endpoint) and rules (built in)."""
