"""Each result again, with the people who were lost treated in other ways."""
