"""Conversations in GraphQL: messages, turns and tool calls as well."""
