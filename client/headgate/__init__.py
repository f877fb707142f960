"""Headgate: write flows and tasks in Python, run them anywhere, watch them live."""
