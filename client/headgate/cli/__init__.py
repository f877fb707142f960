"""The headgate command: nouns and verbs."""
