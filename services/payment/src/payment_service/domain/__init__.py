"""What a payment is and what may happen to it; pure."""
