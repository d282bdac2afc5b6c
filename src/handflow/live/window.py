"""Windows made of tkinter, which comes with Python: no GUI build of OpenCV, no further package.

Measured at 640x480 under Xvfb: 4.6 ms a picture (`PhotoImage.configure` with PPM bytes), 9.8 ms at 1280x720.
"""

import dataclasses
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from handflow.errors import HandflowError
from handflow.types import Float32, Hands, Image

if TYPE_CHECKING:
    import tkinter as tk

KEY_NAMES = {
    # tkinter's keysym → key as the commands know it; those besides letters work on any keyboard layout
    "r": "r", "space": "r", "u": "u", "backspace": "u", "h": "h", "m": "m", "q": "q", "escape": "q",
}  # fmt: skip
LARGEST = (1280, 960)  # pixels a picture takes on the screen at most
_DOUBLE_UP_TO = 640  # pixels: pictures that stay within this width are shown twice as large
_REPEAT_MS = 20  # X11 reports a held key as releases and presses at the same time: no person is so quick
_BACKGROUND = "#16181d"


class WindowError(HandflowError):
    """No window can be opened on this machine."""


class PictureWindow:
    """A window with one picture. Used in the main thread only, which macOS demands.

    There is no tkinter main loop, which would swallow Ctrl-C: call `poll` some 50 times a second.

    Args:
        title: of the window.

    Raises:
        WindowError: tkinter is not installed or there is no display.
    """

    def __init__(self, title: str) -> None:
        try:
            import tkinter as tk
        except ImportError as error:
            raise WindowError(
                "no window without tkinter: install it (Debian and Ubuntu: apt install python3-tk; "
                "macOS: brew install python-tk) or use --no-window"
            ) from error
        try:
            self.root: tk.Tk = tk.Tk(className="handflow")
        except tk.TclError as error:
            raise WindowError(f"no window can be opened ({error}): use --no-window") from error
        self.closed = False
        self._pressed: list[str] = []
        self._down: set[str] = set()  # keys that are held
        self._released: dict[str, int] = {}  # key → when it was released, milliseconds of the display's clock
        self._failure: BaseException | None = None
        self.root.title(title)
        self.root.configure(background=_BACKGROUND)
        self.root.resizable(False, False)
        # Exceptions in callbacks, Ctrl-C among them, are raised by poll() instead of printed and forgotten.
        self.root.report_callback_exception = self._keep_failure
        self.root.protocol("WM_DELETE_WINDOW", self._on_close)
        self.root.bind("<KeyPress>", self._on_press)
        self.root.bind("<KeyRelease>", self._on_release)
        self.root.bind("<FocusOut>", lambda _: self._down.clear())  # its release goes to another window
        self.canvas: tk.Canvas = tk.Canvas(
            self.root, width=640, height=480, highlightthickness=0, background="black"
        )
        self.canvas.pack()
        self._photo: tk.PhotoImage = tk.PhotoImage(master=self.root, width=640, height=480)
        self._item = self.canvas.create_image(0, 0, image=self._photo, anchor="nw")
        self._size = (640, 480)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def show_picture(self, image: Image) -> None:
        """Puts an RGB picture (height, width, 3) on the screen, as it is: not mirrored."""
        if self.closed:
            return
        image = self._fit(image)
        height, width = image.shape[:2]
        if (width, height) != self._size:
            self._size = (width, height)
            self.canvas.configure(width=width, height=height)
            self._photo.configure(width=width, height=height)
        data = b"P6 %d %d 255\n" % (width, height) + np.ascontiguousarray(image).tobytes()
        self._photo.configure(data=data, format="PPM")

    def poll(self) -> list[str]:
        """Lets the window live. Returns the keys pressed since the last call: "r", "u", "h", "m", "q"."""
        if not self.closed:
            self.root.update()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        pressed, self._pressed = self._pressed, []
        return pressed

    def bell(self) -> None:
        """A beep, for who stands too far away to read."""
        if not self.closed:
            self.root.bell()

    def close(self) -> None:
        """Closes the window; may be called twice."""
        if not self.closed:
            self._on_close()

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the picture on the screen, pixels."""
        return self._size

    def _fit(self, image: Image) -> Image:
        height, width = image.shape[:2]
        room = (
            min(LARGEST[0], self.root.winfo_screenwidth() - 40),
            min(LARGEST[1], self.root.winfo_screenheight() - 220),
        )
        larger = 2.0 if 2 * width <= _DOUBLE_UP_TO else 1.0
        scale = min(larger, room[0] / width, room[1] / height)
        if scale == 1.0:
            return image
        import cv2

        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(image, size, interpolation=way), np.uint8)

    def _on_close(self) -> None:
        self.closed = True
        self.root.destroy()

    def _on_press(self, event: "tk.Event[Any]") -> None:
        name = event.keysym.lower()
        released = self._released.get(name)
        held = name in self._down or (released is not None and 0 <= event.time - released < _REPEAT_MS)
        self._down.add(name)
        if name in KEY_NAMES and not held:
            self._pressed.append(KEY_NAMES[name])

    def _on_release(self, event: "tk.Event[Any]") -> None:
        name = event.keysym.lower()
        self._down.discard(name)
        self._released[name] = event.time

    def _keep_failure(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        self._failure = error


class ResultWindow(PictureWindow):
    """A window for pictures that hold all that is to be seen, such as those of `handflow run --show`."""

    def show(self, image: Image) -> bool:
        """Shows an RGB picture as it is. Returns False once the person has closed the window or pressed Q."""
        self.show_picture(image)
        if "q" in self.poll():
            self.close()
        return not self.closed


def mirror_points(landmarks: Float32, width: int) -> Float32:
    """Landmarks (…, 3) in pixels as they lie in the mirrored picture of this width."""
    mirrored = landmarks.copy()
    mirrored[..., 0] = width - 1 - mirrored[..., 0]
    return mirrored


def mirrored_view(image: Image, hands: Hands | None, *, mirror: bool = True) -> Image:
    """The picture a person sees of themselves, hands drawn after mirroring so that nothing drawn is reversed.

    Args:
        image: RGB (height, width, 3), unmirrored.
        hands: drawn with the colours of their true sides; None: the picture alone.
        mirror: False shows what the camera sees.
    """
    from handflow.hands.overlay import draw_hands

    picture = np.ascontiguousarray(image[:, ::-1]) if mirror else image
    if hands is None or not hands.hands:
        return picture
    if mirror:
        width = image.shape[1]
        hands = dataclasses.replace(
            hands,
            hands=tuple(
                dataclasses.replace(
                    hand,
                    landmarks=mirror_points(hand.landmarks, width),
                    steady=mirror_points(hand.steady, width),
                    region=dataclasses.replace(
                        hand.region, x=width - 1 - hand.region.x, angle=-hand.region.angle
                    ),
                )
                for hand in hands.hands
            ),
        )
    return draw_hands(picture, hands)


def mask_view(image: Image, hands: Hands, *, mirror: bool = True) -> Image:
    """The hands white on black, as networks with the input `mask` see them, in place of the picture.

    Args:
        image: RGB (height, width, 3), unmirrored; only its size counts.
        hands: drawn as the landmark model sees them, not steadied: networks get the same.
        mirror: False shows them as the camera sees them.
    """
    from handflow.hands.silhouette import draw_silhouettes

    height, width = image.shape[:2]
    marks = np.zeros((0, 21, 3), np.float32)
    if hands.hands:
        marks = np.stack([hand.landmarks for hand in hands.hands])
    drawn = draw_silhouettes(marks, (width, height))
    if mirror:
        drawn = drawn[:, ::-1]
    return np.repeat(drawn[..., None], 3, axis=2)
