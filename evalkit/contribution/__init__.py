"""What is described and not credited: each step of the theory, and the change that comes by itself."""
