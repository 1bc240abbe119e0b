"""What a sweep needs of a machine, looked at one by one: nothing is changed by looking."""
