"""The declared analysis run on many made trials."""
