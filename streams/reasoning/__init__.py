"""Explanations within a budget: who deserves one, what the model is asked, and what of its answer is believed.

`streams.reasoning.model.openai_model` is imported by who uses it: OpenAI's SDK takes most of a second.
"""
