"""Tables of made people with a known truth."""
