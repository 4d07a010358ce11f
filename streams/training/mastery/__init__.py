"""Training mastery: an item bank and an outlook, from the answers in a history of events. No labels are needed."""
