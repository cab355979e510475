"""Books that must balance."""
