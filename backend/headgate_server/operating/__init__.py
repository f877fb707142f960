"""What operators do from the command line with an installation's keys and its audit log."""
