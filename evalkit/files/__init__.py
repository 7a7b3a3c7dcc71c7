"""Read data and evaluation files, write outputs: the only data I/O."""
