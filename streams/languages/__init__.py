"""The languages that explanations are told in: their words are data, `streams/config/languages`."""
