"""All SQL: functions that take a unit of work and return domain objects."""
