"""Every metric, by subject: `metrics` puts them together."""
