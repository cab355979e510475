"""What lies in the warehouses."""
