"""The calls of a double, counted by what came of them."""

import threading


class CallBook:
    """Safe between threads."""

    def __init__(self) -> None:
        self._counted: dict[str, dict[str, int]] = {}
        self._lock = threading.Lock()

    def note(self, operation: str, outcome: str) -> None:
        """Count a call: `taken`, or the code or fault that it ended with."""
        with self._lock:
            of_operation = self._counted.setdefault(operation, {})
            of_operation[outcome] = of_operation.get(outcome, 0) + 1

    def told(self) -> dict[str, dict[str, int]]:
        """How many, by operation and outcome."""
        with self._lock:
            return {operation: dict(counted) for operation, counted in self._counted.items()}
