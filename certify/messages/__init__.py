"""Messages to people: their words in seven languages, the outbox, and the ways out of it."""
