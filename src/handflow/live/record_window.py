"""The mirrored window of `handflow view` and `handflow record`."""

import time
from typing import TYPE_CHECKING

from handflow.data.take import Phase, RecorderState
from handflow.live.window import PictureWindow, mask_view, mirrored_view

if TYPE_CHECKING:
    from handflow.live.session import LiveView, RecordingSession

_FONT = ("TkDefaultFont", 12)
_LARGE = ("TkDefaultFont", 96, "bold")
_BACKGROUND, _TEXT, _DIM = "#16181d", "#f1f3f4", "#9aa0a6"
_COLOURS = {
    Phase.WAITING: "#9aa0a6",
    Phase.READY: "#56b4e9",
    Phase.COUNTDOWN: "#f0b429",
    Phase.RECORDING: "#e5484d",
    Phase.SAVED: "#3fb27f",
    Phase.REJECTED: "#f28b3c",
    Phase.DONE: "#3fb27f",
}  # each phase is also said in words: nothing hangs on seeing colours
_IDLE = 0.005  # seconds between two looks at session and keys
_MARGIN = 10
_BAR = 10  # height of the progress bar, pixels
_EDGE = 6  # width of the frame around the picture, pixels


class RecordWindow(PictureWindow):
    """Picture, countdown and progress over it; beneath it the state, the gesture and the keys.

    Args:
        title: of the window.
        gesture: recorded here; None: nothing is recorded, the window only shows.
        mirror: whether the person sees themselves as in a mirror.
        hands: whether hands are looked for, and M switches between the picture and their mask.
        mask: whether it begins with the mask.
        task: what the person is to do, shown in place of the keys for takes; None: takes are recorded.
    """

    def __init__(
        self,
        title: str,
        gesture: str | None = None,
        *,
        mirror: bool = True,
        hands: bool = True,
        mask: bool = False,
        task: str | None = None,
    ) -> None:
        super().__init__(title)
        import tkinter as tk

        self._mirror = mirror
        self._mask = mask
        self._gesture = gesture
        self._phase: Phase | None = None
        # The shadow keeps the number readable on white walls and shirts.
        self._shadow = self.canvas.create_text(0, 0, text="", font=_LARGE, fill="black")
        self._count = self.canvas.create_text(0, 0, text="", font=_LARGE, fill="white")
        self._border = self.canvas.create_rectangle(0, 0, 0, 0, width=_EDGE, state="hidden")
        self._bar = self.canvas.create_rectangle(0, 0, 0, 0, width=0, fill="white", state="hidden")
        rows = tk.Frame(self.root, background=_BACKGROUND)
        rows.pack(fill="x", padx=_MARGIN, pady=_MARGIN)
        # A label as wide as its text would make the window jump with every message.
        self._status = tk.Label(
            rows, font=(*_FONT, "bold"), anchor="w", justify="left", background=_BACKGROUND, width=1, height=2
        )
        self._status.pack(fill="x")
        below = tk.Frame(rows, background=_BACKGROUND)
        below.pack(fill="x")
        self._info = tk.Label(below, font=_FONT, anchor="w", background=_BACKGROUND, foreground=_TEXT)
        self._info.pack(side="left")
        self._rate = tk.Label(below, font=_FONT, anchor="e", background=_BACKGROUND, foreground=_DIM)
        self._rate.pack(side="right")
        self._unit = "takes" if task is None else "clips"
        for_takes = ["R record", "U undo", "H hands-free"] * bool(gesture and task is None)
        keys = [*for_takes, *["M mask"] * hands, "Q end"]
        if task is not None:
            asked = tk.Label(rows, text=task, font=_FONT, anchor="w", justify="left", background=_BACKGROUND)
            asked.configure(foreground=_TEXT, wraplength=600)
            asked.pack(fill="x")
        shown_keys = tk.Label(rows, text="    ".join(keys), font=_FONT, anchor="w", background=_BACKGROUND)
        shown_keys.configure(foreground=_DIM)
        shown_keys.pack(fill="x")

    def show(self, view: "LiveView", *, fps: float, hands_free: bool = False) -> None:
        """Shows one frame with its hands and the recorder's state."""
        if self.closed:
            return
        if self._mask and view.hands is not None:
            self.show_picture(mask_view(view.frame.image, view.hands, mirror=self._mirror))
        else:
            self.show_picture(mirrored_view(view.frame.image, view.hands, mirror=self._mirror))
        seen = len(view.hands.hands) if view.hands is not None else 0
        said = ("no hand", "1 hand")[seen] if seen < 2 else f"{seen} hands"
        self._rate.configure(text=f"{said}   {fps:.0f} fps" if view.hands is not None else f"{fps:.0f} fps")
        if view.state is None:
            self._status.configure(text="watching", foreground=_TEXT)
        else:
            self._show_state(view.state, hands_free)

    def switch_mask(self) -> None:
        """Shows the mask from the next frame on, or the picture again."""
        self._mask = not self._mask

    def say(self, message: str) -> None:
        """Shows a message in place of the state, such as that no picture comes."""
        if not self.closed:
            self._status.configure(text=message, foreground=_COLOURS[Phase.REJECTED])

    def _show_state(self, state: RecorderState, hands_free: bool) -> None:
        width, height = self.size
        colour = _COLOURS[state.phase]
        self._status.configure(text=state.message, foreground=colour, wraplength=width)
        of = f" of {state.wanted}" if state.wanted is not None else ""
        free = "    hands-free" if hands_free else ""
        self._info.configure(text=f"{self._gesture}    {state.takes}{of} {self._unit}{free}")
        for item, shift in ((self._shadow, 3), (self._count, 0)):
            self.canvas.coords(item, width / 2 + shift, height / 2 + shift)
            self.canvas.itemconfigure(item, text=str(state.count) if state.count else "")
        recording = state.phase is Phase.RECORDING
        framed = recording or state.phase in (Phase.SAVED, Phase.REJECTED)
        half = _EDGE / 2
        self.canvas.coords(self._border, half, half, width - half, height - half)
        self.canvas.itemconfigure(self._border, outline=colour, state="normal" if framed else "hidden")
        left, bottom = 2 * _EDGE, height - 2 * _EDGE
        right = left + (width - 2 * left) * state.progress
        self.canvas.coords(self._bar, left, bottom - _BAR, right, bottom)
        self.canvas.itemconfigure(self._bar, state="normal" if recording else "hidden")
        if self._phase is not state.phase and (recording or self._phase is Phase.RECORDING):
            self.bell()
        self._phase = state.phase


def watch_in_window(session: "RecordingSession", window: RecordWindow) -> None:
    """Shows a running session until it is over or the window is closed."""
    shown = None
    stalled = False
    while not session.over and not window.closed:
        for key in window.poll():
            if key == "m":
                window.switch_mask()
                shown = None  # the frame that is there is drawn anew: a source may stand still
            else:
                session.press(key)
        view = session.view
        if view is not None and view is not shown:
            window.show(view, fps=session.source.fps, hands_free=session.hands_free)
            shown, stalled = view, False
        elif session.stalled and not stalled:
            window.say(f"{session.source.name}: no picture comes, waiting")
            stalled = True
        time.sleep(_IDLE)
