"""The `usher` command: starts the platform on one machine, shows it, loads events, runs the demo."""
