"""The processes: the only layer that knows the environment, HTTP and the command line."""
