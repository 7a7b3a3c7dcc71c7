"""What could be shown, worked out before any data exist."""
