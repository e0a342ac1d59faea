"""The command line: options, confirmations and output of the use cases."""
