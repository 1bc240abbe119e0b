"""What people see while and after a command runs."""
