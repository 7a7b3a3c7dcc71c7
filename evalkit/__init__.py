"""evalkit: from a theory of change to a defensible finding."""
