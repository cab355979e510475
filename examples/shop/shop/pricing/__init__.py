"""What things cost today."""
