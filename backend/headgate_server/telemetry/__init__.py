"""What a process tells of itself: log lines, figures, signs of life, traces. It decides nothing."""
