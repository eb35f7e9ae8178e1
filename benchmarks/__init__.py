"""What measures speed, as ratios of two ways taken in turn; run by hand: `python -m benchmarks [name]`."""
