"""From records to changed rows: decode, deduplicate, add, retract."""
