"""Generated stubs of the Usher contracts."""
