"""The command line: `profilecore`."""

import sys


def main() -> int:
    """Run the command line; give the exit code."""
    try:
        from profilecore.entrypoints.cli import app
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.startswith("profilecore"):
            raise
        text = "the core alone is installed; for the command: pip install 'profilecore[service]'"
        print(f"profilecore: {missing.name} is missing: {text}", file=sys.stderr)
        return 1
    return app.main()


__all__ = ["main"]
