"""The notification service: mails that domain events cause."""
