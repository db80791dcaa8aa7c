"""What a notification is; pure."""
