"""What can be found and what may be asked; pure."""
