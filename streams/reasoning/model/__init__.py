"""Reasoning models: their protocol, OpenAI's, and two that need no provider."""
