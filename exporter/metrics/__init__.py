"""What an event means to a count: families, their catalogue, and an event's entry.  Pure."""
