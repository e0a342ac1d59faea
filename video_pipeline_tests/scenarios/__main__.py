"""`python -m video_pipeline_tests.scenarios NAME`, or `--list`."""

import importlib
import pkgutil
import sys

import video_pipeline_tests.scenarios as room
from video_pipeline.cli.signals import end_tidily

NAMES = sorted(
    module.name.replace("_", "-")
    for module in pkgutil.iter_modules(room.__path__)
    if module.name not in ("__main__", "support")
)


def main(arguments: list[str]) -> int:
    """Run the named scenario, and return its code, or 2 for an unknown name."""
    if arguments == ["--list"]:
        for name in NAMES:
            print(f"{name:18}{(_load(name).__doc__ or '').splitlines()[0]}")
        return 0
    if len(arguments) != 1 or arguments[0] not in NAMES:
        print(f"Name a scenario: {', '.join(NAMES)}, or --list for their descriptions.")
        return 2
    end_tidily()
    ended: int = _load(arguments[0]).run()
    print("holds" if ended == 0 else "DOES NOT HOLD")
    return ended


def _load(name: str):
    return importlib.import_module(f"{room.__name__}.{name.replace('-', '_')}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
