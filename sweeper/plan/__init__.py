"""What a grid would do, and what it may name: nothing is trained here."""
