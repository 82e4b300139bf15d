"""Alerts on negative spikes: ``detect`` says when and why, and keeps a promised rate."""
