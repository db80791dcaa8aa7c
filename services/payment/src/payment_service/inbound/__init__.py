"""The world calls us: rpcs, domain events, and time."""
