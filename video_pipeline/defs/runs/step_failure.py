"""The error with which a step fails: what happened and what to do, without Dagster's own stack.

Dagster stores the frames of an exception with the failure of its step, 20 of them its own. For the
error of another process it stores what that process told, which here is the message alone.
"""

import dagster as dg

# Verified with dagster 1.13.27: no public names. Ends when `dg.Failure` can do without a stack.
from dagster._core.errors import DagsterUserCodeProcessError
from dagster_shared.error import SerializableErrorInfo


def step_failure(message: str) -> Exception:
    """Return the exception to raise. Dagster retries no step that it ends."""
    told = SerializableErrorInfo(message, stack=[], cls_name=dg.Failure.__name__)
    return DagsterUserCodeProcessError(message, user_code_process_error_infos=[told])
