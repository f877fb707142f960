"""What an operation may cost, and the one walk over its document that finds out."""
