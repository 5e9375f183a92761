"""What happens when an invoice is not paid in time: reminders, the pause of service, and giving up on it."""
