"""What measures speed, as ratios of medians taken side by side."""
