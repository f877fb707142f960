"""What can be done with schedules: upsert, delete, read, preview, and make their runs."""
