"""What rows look like to a program, and what a program may send."""
