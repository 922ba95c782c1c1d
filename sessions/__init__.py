"""Parts of noxfile.py."""
