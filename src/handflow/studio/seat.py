"""A page at the desk: a thread of its own looks at what it shows and does what it asks.

source → hands → slots → (recorder | spotting and actions) → messages. The loop of the server hands pictures
and orders in and messages out; it never waits for the thread, nor the thread for it.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Any

from handflow.data.pictures import pack_frame
from handflow.errors import HandflowError, SourceError
from handflow.hands import HandLandmarker, HandSlots
from handflow.studio.browser_source import BrowserSource
from handflow.studio.cameras import Arrival, DeskCamera, ServerCamera
from handflow.studio.errors import StudioError, told
from handflow.studio.orders import Arm, Choose, Look, Missed, Order, Record, Stop, Trigger, Try, Undo, Wrong
from handflow.studio.outbox import Outbox
from handflow.studio.recording import Keeper, Looking, Mode, Recording, Shown
from handflow.studio.trying import Trying
from handflow.studio.workspace import Project
from handflow.types import Hands

log = logging.getLogger(__name__)

_POLL = 0.03  # seconds without a picture after which orders are looked at
_MOST_ORDERS = 64  # that may wait; a page that sends more does not mean well
_ENDING = 10.0  # seconds that the thread of a seat gets to end: a slow disk may have takes to write


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a desk has for whoever sits at it."""

    landmarker: Callable[[], HandLandmarker]  # as before its first frame; called in the thread of the seat
    camera: str | None  # the server's own source, as `open_source` takes it
    sitting: str  # the session that takes belong to
    background: Executor  # for what no frame waits for


class Retune:
    """An order from within: the sensitivity of the model has changed."""


class Seat:
    """A page at the desk: `show` pictures, `order` things, `leave`.

    Attributes:
        over: whether the page has left, was sent away, or something went wrong for good.
    """

    def __init__(self, equipment: Equipment, project: Project, outbox: Outbox) -> None:
        self.project, self.outbox = project, outbox
        self._equipment = equipment
        self._orders: Queue[Order | Retune] = Queue(_MOST_ORDERS)
        self._stop = threading.Event()
        self._browser = BrowserSource()
        self._camera: DeskCamera = self._browser
        self._mode: Mode = Looking()
        self._slots = HandSlots()
        self._last = float("-inf")  # seconds, timestamp of the frame before
        self._seen = 0
        self._thread = threading.Thread(target=self._run, name="desk", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        return self._stop.is_set() or not self._thread.is_alive()

    def show(self, jpeg: bytes, captured: float) -> None:
        """Takes a picture of the page's camera; see `BrowserSource.put`."""
        self._browser.put(jpeg, captured)

    def order(self, order: "Order | Retune") -> bool:
        """Takes an order; False where too many wait."""
        try:
            self._orders.put_nowait(order)
        except Full:
            return False
        return True

    def records(self, gesture: str) -> bool:
        """Whether takes of a gesture are being recorded."""
        mode = self._mode
        return isinstance(mode, Recording) and not self.over and mode.gesture == gesture

    def leave(self) -> None:
        """Ends the session soon; complete takes are kept."""
        self._stop.set()

    def join(self) -> bool:
        """Waits for its end; whether it came."""
        self._thread.join(_ENDING)
        return not self._thread.is_alive()

    def _tell(self, document: dict[str, Any]) -> None:
        self.outbox.put(document)

    def _fail(self, error: Exception, code: str = "") -> None:
        """Tells what went wrong; `code` names it where it has no name of its own."""
        self._tell(told(error, code))

    def _run(self) -> None:
        try:
            self._work(self._equipment.landmarker())
        except HandflowError as error:
            self._fail(error)
        except BaseException as error:  # a thread has nobody above it: the page is told
            log.exception("the desk broke down")
            self._tell(
                {"type": "error", "code": "internal", "message": f"{type(error).__name__}: see the terminal"}
            )
        finally:
            self._stop.set()
            self._change(Looking())
            self._camera.close()
            self._tell({"type": "left"})

    def _work(self, landmarker: HandLandmarker) -> None:
        self._landmarker = landmarker
        self._tell({"type": "mode", "mode": self._mode.name})
        while not self._stop.is_set():
            camera = self._camera
            arrival = self._next(camera)
            self._obey()  # what was asked before the frame came holds for it
            if arrival is not None and camera is self._camera:
                self._look_at(arrival)
            try:
                self._mode.tick()
            except (HandflowError, OSError) as error:
                self._give_up(error)

    def _next(self, camera: DeskCamera) -> Arrival | None:
        """The next frame, if one comes soon; a camera that is lost is let go."""
        try:
            return camera.latest(_POLL)
        except StudioError as error:  # no picture: the next may be one
            self._fail(error)
        except SourceError as error:
            self._fail(error, "camera-lost")
            self._look_through(self._browser)
        return None

    def _look_at(self, arrival: Arrival) -> None:
        frame, received = arrival.frame, arrival.received
        if frame.timestamp <= self._last:
            self._restart()
        self._last = frame.timestamp
        hands = self._landmarker.update(frame)
        slotted = self._slots.update(hands)
        packed = arrival.packed or pack_frame(frame)
        said = self._mode.update(Shown(frame, slotted, received, packed))
        self._seen += 1
        document = {
            "type": "seen",
            "n": self._seen,
            "t": frame.timestamp,
            "hands": _drawn(hands),
            "lost": len(hands.lost),
            "dropped": self._camera.dropped,
            "light": round(float(frame.image[::16, ::16].mean()) / 255, 3),
            "fps": round(self._camera.fps, 1),
            **said,
        }
        if self._camera.shows_itself:
            header = {
                "type": "frame",
                "n": self._seen,
                "t": frame.timestamp,
                "width": frame.size[0],
                "height": frame.size[1],
            }
            self.outbox.put_passing(header, picture=packed.jpeg)
        self.outbox.put_passing(document, received=received)

    def _restart(self) -> None:
        """Another camera, or a clock that began anew."""
        self._landmarker.reset()
        self._slots.reset()
        self._mode.restart(self._camera.name)

    def _obey(self) -> None:
        while True:
            try:
                order = self._orders.get_nowait()
            except Empty:
                return
            try:
                self._do(order)
            except (HandflowError, OSError, ValueError) as error:
                self._fail(error)
                if isinstance(order, Record | Try | Retune):
                    self._tell({"type": "mode", "mode": self._mode.name})
                elif isinstance(order, Choose):
                    self._tell({"type": "source", "camera": self._camera.kind})

    def _do(self, order: "Order | Retune") -> None:
        mode = self._mode
        if isinstance(order, Look | Stop):
            self._change(Looking())
        elif isinstance(order, Record):
            self._record(order)
        elif isinstance(order, Try):
            self._try(order)
        elif isinstance(order, Choose):
            self._choose(order.camera)
        elif isinstance(mode, Recording) and isinstance(order, Trigger):
            mode.trigger()
        elif isinstance(mode, Recording) and isinstance(order, Undo):
            mode.undo()
        elif isinstance(mode, Trying):
            self._do_trying(mode, order)

    def _do_trying(self, mode: Trying, order: "Order | Retune") -> None:
        if isinstance(order, Arm):
            mode.act("armed" if order.armed else "dry")
        elif isinstance(order, Wrong):
            mode.wrong(order.event)
        elif isinstance(order, Missed):
            mode.missed(order.gesture)
        elif isinstance(order, Retune) and mode.model == self.project.model():
            mode.retune()
        elif isinstance(order, Retune):  # another model was trained meanwhile
            self._try(Try(type="try", acting=mode.armed, keep_frames=mode.keep_frames))

    def _record(self, order: Record) -> None:
        self._change(Looking(), tell=False)
        self._change(Recording(order, self._keeper, self._camera.name, self._tell))

    def _try(self, order: Try) -> None:
        self._change(Looking(), tell=False)
        trying = Trying(self.project, self._keeper, self._tell, keep_frames=order.keep_frames)
        self._change(trying)
        trying.act(order.acting)

    def _keeper(self, gesture: str) -> Keeper:
        return Keeper(
            self.project,
            gesture,
            session=self._equipment.sitting,
            landmarker=self._landmarker.version,
            kept=lambda id: self._tell_take(id, gesture),
            undone=lambda id: self._tell({"type": "undone", "take": id, "gesture": gesture}),
        )

    def _tell_take(self, id: str, gesture: str) -> None:
        """Tells of a take on disk, judged beside all others: no frame waits for that."""

        def tell() -> None:
            with suppress(HandflowError, OSError):  # gone again already: then it was told so
                take = self.project.takes.take(id)
                self._tell({"type": "take", "gesture": take.pop("gesture"), "take": take})

        self._equipment.background.submit(tell)

    def _change(self, mode: Mode, *, tell: bool = True) -> None:
        """Goes on in another mode; the one before ends in good order."""
        before, self._mode = self._mode, mode
        try:
            before.close()
        except (HandflowError, OSError) as error:
            self._fail(error, "not-saved")
        if tell:
            self._tell({"type": "mode", "mode": mode.name})

    def _give_up(self, error: Exception) -> None:
        """A mode that cannot go on ends."""
        self._fail(error, "not-saved")
        self._mode, before = Looking(), self._mode
        with suppress(HandflowError, OSError):  # it was said
            before.close()
        self._tell({"type": "mode", "mode": "look"})

    def _choose(self, camera: str) -> None:
        if camera == self._camera.kind:  # no camera can be opened twice
            self._tell({"type": "source", "camera": camera})
        elif camera == "browser":
            self._look_through(self._browser)
        elif self._equipment.camera is None:
            raise StudioError(
                "no-server-camera", "the studio was started without --source: use the browser's camera"
            )
        else:
            self._look_through(ServerCamera(self._equipment.camera))

    def _look_through(self, camera: DeskCamera) -> None:
        self._camera.close()
        self._camera = camera
        self._last = float("-inf")
        self._restart()
        self._tell({"type": "source", "camera": camera.kind})


def _drawn(hands: Hands) -> list[dict[str, Any]]:
    """Hands as the page draws them: points in shares of the unmirrored picture."""
    width, height = hands.size
    return [
        {
            "side": hand.side,
            "track": hand.track,
            "score": round(hand.presence, 3),
            "points": [[round(x / width, 4), round(y / height, 4)] for x, y in hand.steady[:, :2].tolist()],
        }
        for hand in hands.hands
    ]
