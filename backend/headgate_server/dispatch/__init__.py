"""How runs reach agents: wakes, offers, credits, drain."""
