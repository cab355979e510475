"""A small shop whose every command ends in a real crash, each of another kind."""
