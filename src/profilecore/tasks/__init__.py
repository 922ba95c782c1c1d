"""Tasks: submitted, dispatched when they are due, and run once."""
