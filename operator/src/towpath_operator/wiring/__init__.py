"""Puts the parts together: settings, commands, and the mains of the pods."""
