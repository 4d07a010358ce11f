"""The contract written out: JSON Schemas and AsyncAPI."""
