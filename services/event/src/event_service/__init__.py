"""The event service: events, what is sold for them and what limits it."""
