"""Background work, each loop a function run_once(now) that returns what it did."""
