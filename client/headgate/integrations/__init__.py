"""Other systems that flows work with, each with an extra of its own, imported where it is used."""
