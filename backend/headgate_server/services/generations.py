"""Generations of the database: a restore from a backup starts a new one.

Every token of a session and of a run names the generation it was issued in, so that nothing which
speaks of the lost time after the backup is heard.
"""

from headgate_server.repositories import generations

Started = generations.Started
Stand = generations.Stand
find_stand = generations.find_stand
get_generation = generations.get_generation
start_generation = generations.start_generation
