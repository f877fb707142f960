"""Deployments: a flow with its code's place, a pool, parameters and schedules."""
