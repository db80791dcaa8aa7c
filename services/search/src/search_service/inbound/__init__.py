"""The world calls us: rpcs, domain events, and the clock."""
