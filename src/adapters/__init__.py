"""What the core can stand on: one technology a module, named after it and the port it serves."""
