"""Kubernetes: the kustomize folders and the Helm chart of deploy/."""
