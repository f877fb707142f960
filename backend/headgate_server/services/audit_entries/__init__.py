"""The audit log: write, seal, sign, verify and read who changed what."""
