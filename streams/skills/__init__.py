"""Skills as configuration: indicators, phrases, levels."""
