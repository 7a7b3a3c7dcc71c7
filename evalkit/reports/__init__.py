"""Findings to pages: summative and formative HTML, and the machine-readable findings."""
