"""Finding things in the shop."""
