"""The commands, a file for each, and the options they share."""
