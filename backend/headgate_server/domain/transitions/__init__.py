"""The rules that judge a proposed run state."""
