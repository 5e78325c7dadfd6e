"""The command line: `tasktalk`."""
