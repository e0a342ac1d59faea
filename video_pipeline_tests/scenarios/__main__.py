"""`python -m video_pipeline_tests.scenarios NAME [OPTIONS]`, or `--list`."""

import importlib
import inspect
import pkgutil
import sys

import video_pipeline_tests.scenarios as room
from video_pipeline.cli.console import print_error
from video_pipeline.cli.signals import end_tidily
from video_pipeline.domain.errors import ConfigurationError

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
    name, *options = arguments or [""]
    if name not in NAMES:
        print(f"Name a scenario: {', '.join(NAMES)}, or --list for their descriptions.")
        return 2
    run = _load(name).run
    if options and not inspect.signature(run).parameters:
        print(f"{name} takes no options, and was given {' '.join(options)}.")
        return 2
    end_tidily()
    try:
        ended: int = run(*options)
    except ConfigurationError as error:
        print_error(error)
        return 2
    print("holds" if ended == 0 else "DOES NOT HOLD")
    return ended


def _load(name: str):
    return importlib.import_module(f"{room.__name__}.{name.replace('-', '_')}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
