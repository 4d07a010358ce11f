"""Secrets: how they are held, where they are kept (files, HashiCorp Vault, AWS Secrets Manager), their rotation."""
