"""What a process tells of itself: log lines, figures, signs of life. It decides nothing."""
