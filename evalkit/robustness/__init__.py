"""Each result again, with what a hidden difference between the groups could do to it."""
