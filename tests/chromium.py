"""A real Chromium, driven through its debugging protocol, with the standard library alone.

The protocol is JSON over a WebSocket (RFC 6455): a request has an id, a method and
parameters; the answer has the same id; events have a method and no id.
"""

import base64
import itertools
import json
import os
import shutil
import socket
import struct
import subprocess
import time
from pathlib import Path

from conftest import HANG

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find():
    """The path of a Chromium, or None. $CHROMIUM names another."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


class WebSocket:
    """A client: whole text messages, each sent in one masked frame."""

    def __init__(self, port, path):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=HANG)
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self._file = self._socket.makefile("rb")
        assert b" 101 " in self._file.readline()
        while self._file.readline() != b"\r\n":
            pass

    def send(self, text, opcode=1):
        """One frame: FIN and opcode, length with the mask bit, mask, masked bytes."""
        content, mask = text.encode(), os.urandom(4)
        n = len(content)
        if n < 126:
            length = bytes([0x80 | n])
        elif n < 1 << 16:
            length = bytes([0x80 | 126]) + struct.pack(">H", n)
        else:
            length = bytes([0x80 | 127]) + struct.pack(">Q", n)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(content))
        self._socket.sendall(bytes([0x80 | opcode]) + length + mask + masked)

    def receive(self):
        """The next text message."""
        content = b""
        while True:
            first, second = self._file.read(2)
            n = second & 127
            if n > 125:
                n = int.from_bytes(self._file.read(2 if n == 126 else 8), "big")
            part = self._file.read(n)
            if first & 15 == 9:  # ping
                self.send(part.decode(), opcode=10)
                continue
            assert first & 15 in (0, 1), "the browser closed the connection"
            content += part
            if first & 0x80:
                return content.decode()

    def close(self):
        self._file.close()
        self._socket.close()


class Page:
    """One page: what it asks for, what goes wrong in it, and its mouse and keys."""

    def __init__(self, port, target):
        self._socket = WebSocket(port, f"/devtools/page/{target}")
        self._ids = itertools.count(1)
        self.errors, self.requests, self._loads = [], [], 0
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        """The result of a method of the protocol."""
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.receive())
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            self._event(message.get("method"), message.get("params", {}))

    def _event(self, method, params):
        if method == "Runtime.exceptionThrown":
            self.errors.append(params["exceptionDetails"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.errors.append(params["args"])
        elif method == "Log.entryAdded":
            self.errors.append(params["entry"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Page.loadEventFired":
            self._loads += 1

    def open(self, path):
        """Load the file, and wait until it has drawn itself."""
        self.errors.clear()
        self.requests.clear()
        loads = self._loads
        self.call("Page.navigate", url=Path(path).resolve().as_uri())
        until = time.monotonic() + HANG
        while self._loads == loads:
            assert time.monotonic() < until, "the page did not load"
            self.js("0")
            time.sleep(0.02)
        self.settle()

    def js(self, expression):
        """The value of an expression; a promise is awaited."""
        result = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def refused(self):
        """Which of these the page's own policy refuses: a picture and a frame from the network, a
        base, a form that is sent away. The names of the directives.
        """
        return self.js(
            "new Promise((done) => { const seen = new Set(), doc = document;"
            "const note = (event) => seen.add(event.effectiveDirective);"
            "doc.addEventListener('securitypolicyviolation', note);"
            "const add = (tag, name, to = doc.body) => { const e = doc.createElement(tag);"
            "e[name] = 'http://127.0.0.1:9/'; to.append(e); return e; };"
            "add('img', 'src'); add('iframe', 'src'); add('base', 'href', doc.head);"
            "add('form', 'action').submit(); let left = 100;"
            "const look = () => (seen.size === 4 || !left-- ? done([...seen].sort())"
            " : setTimeout(look, 20)); look(); })"
        )

    def settle(self):
        """Wait until all drawing that was asked for is done: three frames."""
        frame = "new Promise(requestAnimationFrame)"
        self.js(f"{frame}.then(() => {frame}).then(() => {frame}).then(() => 0)")

    def size(self, width, height, dark=False, phone=False):
        """The size of the window in CSS pixels, and the colours that the user prefers."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=2 if phone else 1, mobile=phone,
        )  # fmt: skip
        self.settle()

    def box(self, selector):
        """x, y, width, height of an element in the window, after it is scrolled into view."""
        return self.js(
            f"(() => {{ const e = document.querySelector({selector!r});"
            "e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect();"
            "return [b.x, b.y, b.width, b.height]; })()"
        )

    def at(self, selector, across=0.5, down=0.5):
        """A point of an element, from its left and top as shares of its size."""
        x, y, width, height = self.box(selector)
        return x + across * width, y + down * height

    def mouse(self, kind, x, y):
        """kind: "Moved", "Pressed" or "Released"."""
        button = {} if kind == "Moved" else {"button": "left", "clickCount": 1}
        self.call("Input.dispatchMouseEvent", type=f"mouse{kind}", x=x, y=y, **button)

    def click(self, selector):
        """Press and release in the middle of an element."""
        x, y = self.at(selector)
        self.mouse("Pressed", x, y)
        self.mouse("Released", x, y)
        self.settle()

    def drag(self, points):
        """Press at the first point, move through the others, release."""
        self.mouse("Pressed", *points[0])
        for point in points[1:]:
            self.call(
                "Input.dispatchMouseEvent",
                type="mouseMoved", x=point[0], y=point[1], button="left", buttons=1,
            )  # fmt: skip
        self.mouse("Released", *points[-1])
        self.settle()

    def finger(self, points):
        """Touch the first point, move through the others, lift."""
        for kind, point in zip(["Start"] + ["Move"] * (len(points) - 1), points):
            touch = [{"x": point[0], "y": point[1]}]
            self.call("Input.dispatchTouchEvent", type=f"touch{kind}", touchPoints=touch)
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        self.settle()

    def key(self, key, text="", shift=False):
        """Press and release a key, by its name in the DOM."""
        common = {"key": key, "modifiers": 8 if shift else 0}
        code = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}.get(key)
        if code:
            common["windowsVirtualKeyCode"] = code
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        self.call("Input.dispatchKeyEvent", **down, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)
        self.settle()

    def picture(self, path):
        """The whole page as a PNG."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        Path(path).write_bytes(base64.b64decode(shot["data"]))


class Chromium:
    """A headless browser with a profile of its own, as a context."""

    def __init__(self, program, folder):
        self._program, self._folder = program, folder

    def __enter__(self):
        command = [
            self._program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-quic", "--disable-dev-shm-usage", "--remote-debugging-port=0",
            f"--user-data-dir={self._folder}", "about:blank",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        port_file, until = Path(self._folder) / "DevToolsActivePort", time.monotonic() + HANG
        while not (port_file.exists() and port_file.read_text().count("\n")):
            assert time.monotonic() < until and self._process.poll() is None, "no Chromium started"
            time.sleep(0.05)
        port, path = port_file.read_text().split("\n")[:2]
        browser = WebSocket(int(port), path)
        browser.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
        targets = json.loads(browser.receive())["result"]["targetInfos"]
        browser.close()
        target = next(info["targetId"] for info in targets if info["type"] == "page")
        self.page = Page(int(port), target)
        return self.page

    def __exit__(self, *error):
        self.page._socket.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
