"""What users, sessions and organizers are and may do; pure."""
