"""Pure decisions: what is to be done, given what is so. No I/O, no clock, no framework; called by services and reconcilers."""
