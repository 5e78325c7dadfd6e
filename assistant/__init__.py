"""The assistant: the turn loop, history and prompt, providers, tools and the built-in interpreter."""
