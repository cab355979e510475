"""Files of the shop."""
