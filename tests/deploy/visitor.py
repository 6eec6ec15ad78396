"""A visitor without a browser: Streamlit's own messages over a real websocket.

Sends what the browser sends (the state of the widgets, the query, the page) and reads what it
would draw. Widgets are named by their key in the address, such as ``gene`` or ``age``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

PATIENCE = 120.0
"""Seconds after which a run that has not ended is an error."""

WAYS = {
    "slider": "double_array_value",
    "selectbox": "string_value",
    "multiselect": "string_array_value",
    "checkbox": "bool_value",
    "number_input": "double_value",
}
"""Kind of widget -> the field of its state in a message."""

Value = float | str | bool | Iterable[float] | Iterable[str]


@dataclass
class Run:
    """One answer: seconds from the question to the last message, and what was drawn."""

    seconds: float
    drawn: list[ForwardMsg] = field(default_factory=list)
    bytes: int = 0

    @property
    def text(self) -> str:
        """Every readable text of the messages, escapes of Markdown taken out."""
        return "\n".join(_texts(m) for m in self.drawn).replace("\\", "")

    @property
    def charts(self) -> list[Any]:
        return [
            m.delta.new_element.vega_lite_chart
            for m in self.drawn
            if m.delta.new_element.HasField("vega_lite_chart")
        ]


class Visitor:
    """One session. Use :meth:`open`, :meth:`change` and :meth:`close`."""

    def __init__(self, address: str, page: str = "", cookie: str = "", **query: str) -> None:
        self.address, self.page, self.query = address, page, dict(query)
        self._cookie = cookie
        self._socket: Any = None
        self._widgets: dict[str, tuple[str, str]] = {}
        self._values: dict[str, tuple[str, Any]] = {}
        self._kept: dict[str, ForwardMsg] = {}
        self._page_hash = ""

    async def open(self) -> Run:
        """Connect, and see the first page."""
        self._socket = await websockets.connect(
            self.address.replace("http", "ws", 1) + "/_stcore/stream",
            subprotocols=[websockets.Subprotocol("streamlit")],
            additional_headers={"Cookie": self._cookie} if self._cookie else {},
            origin=websockets.Origin(self.address),
            max_size=None,
            compression=None,
            proxy=None,
        )
        return await self.rerun()

    async def change(self, **values: Value) -> Run:
        """Set widgets, as one click does, and see the answer."""
        for key, value in values.items():
            kind, widget = self._widgets[key]
            self._values[widget] = (WAYS[kind], value)
            self.query[key] = str(value)
        return await self.rerun()

    async def rerun(self) -> Run:
        start = time.perf_counter()
        await self._socket.send(self._question().SerializeToString())
        run = Run(0.0)
        async with asyncio.timeout(PATIENCE):
            while not self._take(ForwardMsg.FromString(await self._receive(run)), run):
                pass
        run.seconds = time.perf_counter() - start
        return run

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()

    async def _receive(self, run: Run) -> bytes:
        data: bytes = await self._socket.recv()
        run.bytes += len(data)
        return data

    def _question(self) -> BackMsg:
        message = BackMsg()
        state = message.rerun_script
        state.query_string = urlencode(self.query)
        state.page_name, state.page_script_hash = self.page, self._page_hash
        state.context_info.url = f"{self.address}/{self.page}"
        state.cached_message_hashes.extend(self._kept)
        for widget, (way, value) in self._values.items():
            one = state.widget_states.widgets.add(id=widget)
            if way.endswith("array_value"):
                getattr(one, way).data.extend(value)
            else:
                setattr(one, way, value)
        return message

    def _take(self, message: ForwardMsg, run: Run) -> bool:
        """Keep one message; True where it ends the run."""
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._page_hash = message.new_session.page_script_hash
        elif kind == "ref_hash":
            run.drawn.append(self._kept[message.ref_hash])
        elif kind == "delta":
            run.drawn.append(message)
            self._note(message)
            if message.metadata.cacheable:
                self._kept[message.hash] = message
        return kind == "script_finished" and (
            message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
        )

    def _note(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind in WAYS:
            widget = getattr(element, kind)
            if widget.query_param_key:
                self._widgets[widget.query_param_key] = (kind, widget.id)


def _texts(message: ForwardMsg) -> str:
    element = message.delta.new_element
    kind = element.WhichOneof("type")
    found = getattr(element, kind) if kind else None
    return "\n".join(str(getattr(found, name, "")) for name in ("body", "alt", "label"))
