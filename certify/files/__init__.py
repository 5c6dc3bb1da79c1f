"""Files about people: read tables of people, contacts, homes and plans, and quarantine the rows that are wrong."""
