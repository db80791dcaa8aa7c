"""The world calls us: rpcs, domain events, and work that repeats."""
