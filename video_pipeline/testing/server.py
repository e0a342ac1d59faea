"""The HTTP server of a double: AWS's JSON protocol, the faults of the line, and its controls.

Controls are below `/_double/`: GET `books` and `faults`; POST `faults`, `settings` and `clock`;
DELETE `faults`.
"""

import json
import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError
from botocore.model import OperationNotFoundError

from video_pipeline.testing.faults import NOT_REACHED, REFUSED, SPOILT, TOKEN_REPEATED, Fault
from video_pipeline.testing.line import Line, LineServer
from video_pipeline.testing.service import DEFAULT_ACCOUNT, Call, Refused, Service

_CONTROLS = "/_double/"
_SIGNED_BY = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/")


class DoubleServer(LineServer):
    """Serves one service on a free port of loopback, until it is closed."""

    def __init__(self, service: Service) -> None:
        super().__init__(_Handler)
        self.service = service

    def close(self) -> None:
        super().close()
        self.service.close()


class _Handler(Line):
    server: DoubleServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        self._control()

    def do_DELETE(self) -> None:
        self._control()

    def do_POST(self) -> None:
        if self.path.startswith(_CONTROLS):
            return self._control()
        service, body = self.server.service, self.body()
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        signed = _SIGNED_BY.search(self.headers.get("Authorization", ""))
        key, region = signed.groups() if signed else ("", "us-east-1")
        account = key if re.fullmatch(r"\d{12}", key) else DEFAULT_ACCOUNT
        try:
            call = Call(operation, json.loads(body or b"{}"), account, region)
            service.model.operation(operation)
        except (ValueError, OperationNotFoundError, BotoCoreError) as error:
            return self._refuse(Refused("SerializationException", str(error)))
        self._serve(service, call)

    def _serve(self, service: Service, call: Call) -> None:
        video = service.video(call)
        if fault := _fault(service, call, video, NOT_REACHED):
            service.calls.note(call.operation, fault.what)
            return self.not_reached(fault)
        try:
            reply = _answered(service, call, video)
        except Refused as refused:
            service.calls.note(call.operation, refused.code)
            return self._refuse(refused)
        fault = _fault(service, call, video, SPOILT)
        service.calls.note(call.operation, fault.what if fault else "taken")
        body = json.dumps(reply).encode()
        if fault:
            return self.spoil(fault, body)
        self.send(200, body)

    def _control(self) -> None:
        try:
            told = self._controlled(self.path.removeprefix(_CONTROLS), self.body())
        except (ValueError, KeyError) as error:
            return self.send(400, json.dumps({"message": str(error)}).encode())
        self.send(200, json.dumps(told).encode())

    def _controlled(self, name: str, body: bytes) -> Any:
        service, given = self.server.service, json.loads(body or b"{}")
        match self.command, name:
            case "GET", "books":
                return service.books()
            case "GET", "faults":
                return service.faults.told()
            case "POST", "faults":
                service.faults.arm(Fault.model_validate(given))
            case "DELETE", "faults":
                service.faults.clear()
            case "POST", "settings":
                service.configure(given)
            case "POST", "clock":
                service.clock.advance(float(given["advance"]))
            case _:
                raise ValueError(f"there is no {self.command} {self.path}")
        return {}

    def _refuse(self, refused: Refused) -> None:
        told = {"__type": refused.code, "Code": refused.code, "Message": refused.message}
        self.send(refused.status, json.dumps(told).encode())


def _fault(service: Service, call: Call, video: str, kinds: Collection[str]) -> Fault | None:
    return service.faults.taken(kinds, call.operation, video, "NextToken" in call.request)


def _answered(service: Service, call: Call, video: str) -> dict[str, Any]:
    if wrong := service.model.request_problems(call.operation, call.request):
        raise Refused(service.invalid, f"{len(wrong)} errors detected: {'; '.join(wrong)}")
    refusals = {**REFUSED, **service.refusals}
    if fault := _fault(service, call, video, refusals):
        code, status, message = refusals[fault.what]
        raise Refused(code, fault.reason or message, status)
    if _fault(service, call, video, (TOKEN_REPEATED,)):
        first = {name: value for name, value in call.request.items() if name != "NextToken"}
        reply = service.answer(replace(call, request=first)) | {"NextToken": "again"}
    else:
        reply = service.answer(call)
    sample = service.sample(call.operation, reply)
    if wrong := service.model.reply_problems(call.operation, sample):
        raise Refused("DoubleIsWrong", "; ".join(wrong[:9]), 500)
    return reply
