"""Reports: text, tables and figures built last, from findings."""
