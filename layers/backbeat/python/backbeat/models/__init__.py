"""The nouns: frozen entities and value objects, also in the form they are stored in."""
