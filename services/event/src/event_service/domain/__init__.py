"""What an event is and what may happen to it; pure."""
