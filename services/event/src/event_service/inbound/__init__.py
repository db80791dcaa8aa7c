"""The world calls us: rpcs."""
