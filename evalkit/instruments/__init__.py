"""Measures as data: what one is, what can be wrong with it, its card, its search."""
