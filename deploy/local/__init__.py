"""The whole deployment on one machine without containers: `python3 -m deploy.local`."""
