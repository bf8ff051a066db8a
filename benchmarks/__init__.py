"""What gextui claims about speed, runnable: python -m benchmarks NAME --json."""
