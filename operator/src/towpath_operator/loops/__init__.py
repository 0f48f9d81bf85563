"""What the API does by itself, over time. Each loop decides nothing: it waits, and calls its service."""
