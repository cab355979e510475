"""A shop whose product ranking is written in C."""
