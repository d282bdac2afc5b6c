"""Pictures of a scene, frame by frame: background, hands blurred by their motion, and the camera's flaws."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from handflow.synth.background import background
from handflow.synth.paint import HandPainter, Layer
from handflow.synth.scene import Camera, Scene
from handflow.types import Float32, Float64, Frame, Image

_STEP = 2.0  # pixels a hand moves between two instants that are averaged
_MOST_INSTANTS = 24
_MOST_PAINTED = 4  # instants of one frame
_MISFIT = 1.0  # pixels; an instant is painted anew where a moved copy of another would be off by more


def render_frames(scene: Scene) -> Iterator[Frame]:
    """Renders a scene lazily; the same scene always gives the same pixels.

    Yields:
        Frames of the camera's size with the scene's timestamps, RGB, unmirrored.
    """
    camera = scene.camera
    room = background(scene.background_seed, camera.width, camera.height, scene.look.skin)
    room = room * _gain(camera)
    painter = HandPainter(scene.look, camera, scene.background_seed)
    noise = _noise_field(camera, scene.background_seed)
    for i, timestamp in enumerate(scene.timestamps):
        picture = room.copy()
        for layer in hand_layers(painter, scene, i):
            _lay(picture, layer, camera)
        yield Frame(_sensor(picture, noise, camera, scene.background_seed, i), float(timestamp), i)


def hand_layers(painter: HandPainter, scene: Scene, index: int) -> list[Layer]:
    """The hands of one frame averaged over its exposure, the farther one first."""
    joints, elbows = scene.joints[index].astype(np.float64), scene.elbows[index].astype(np.float64)
    layers = []
    for slot in (0, 1):
        if not np.isfinite(joints[:, slot]).all():
            continue
        layer = _blurred(painter, scene, joints[:, slot], elbows[:, slot], left=slot == 0)
        if layer is not None:
            layers.append((float(joints[:, slot, :, 2].mean()), layer))
    return [layer for _, layer in sorted(layers, key=lambda entry: -entry[0])]


def _between(values: Float64, times: Float64) -> Float64:
    """Values (n, …) at fractional steps (m,)."""
    low = np.clip(np.floor(times).astype(int), 0, len(values) - 2)  # beyond the ends it goes straight on
    t = (times - low).reshape(-1, *([1] * (values.ndim - 1)))
    return np.asarray(values[low] * (1 - t) + values[low + 1] * t)


def _blurred(
    painter: HandPainter, scene: Scene, joints: Float64, elbow: Float64, *, left: bool
) -> Layer | None:
    """One hand averaged over substeps (n, 21, 3).

    A hand mostly moves as a whole while the shutter is open: it is painted once, and the picture moved and
    averaged; only where its shape changes too much it is painted again.
    """
    middle, middle_elbow = joints.mean(0), elbow.mean(0)
    if len(joints) < 2 or joints[..., 2].min() <= 0.02:
        return painter.paint(middle, middle_elbow, left=left)
    tracks = scene.project(joints.astype(np.float32)).astype(np.float64)  # (n, 21, 2)
    way = np.linalg.norm(np.diff(tracks, axis=0), axis=-1).max(1).sum()
    if way < 0.4:
        return painter.paint(middle, middle_elbow, left=left)
    count = int(np.clip(np.ceil(way / _STEP), 2, _MOST_INSTANTS))
    # Substeps, and what is averaged here, are the centres of equal parts of the exposure.
    times = (np.arange(count) + 0.5) / count * len(joints) - 0.5
    joints, elbow = _between(joints, times), _between(elbow, times)
    tracks = scene.project(joints.astype(np.float32)).astype(np.float64)
    margin = int(min(np.ceil(way), 200))
    painted: dict[int, Layer | None] = {}
    total = np.zeros((scene.camera.height, scene.camera.width, 4), np.float32)
    for k in sorted(range(count), key=lambda k: abs(k - (count - 1) / 2)):
        source, fit = _best_source(tracks, painted, k, _MISFIT if len(painted) < _MOST_PAINTED else np.inf)
        if source is None:
            source, fit = k, np.eye(2, 3)
            painted[k] = painter.paint(joints[k], elbow[k], left=left, margin=margin)
        layer = painted[source]
        if layer is not None:
            _add_moved(total, layer, fit)
    total /= count
    columns, rows = (np.flatnonzero(total[..., 3].any(axis=axis)) for axis in (0, 1))
    if len(columns) == 0:
        return None
    part = total[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Layer(int(columns[0]), int(rows[0]), part)


def _best_source(
    tracks: Float64, painted: dict[int, Layer | None], k: int, least: float
) -> tuple[int | None, NDArray[np.float64]]:
    """The painted instant that looks like instant k once moved by an affine map (2, 3).

    None: all are off by more than `least` pixels somewhere.
    """
    best, best_fit = None, np.eye(2, 3)
    for source in painted:
        corners = np.concatenate([tracks[source], np.ones((21, 1))], axis=1)
        fit, *_ = np.linalg.lstsq(corners, tracks[k], rcond=None)
        misfit = float(np.linalg.norm(corners @ fit - tracks[k], axis=1).max())
        if misfit < least:
            best, best_fit, least = source, fit.T, misfit
    return best, best_fit


def _add_moved(total: Float32, layer: Layer, fit: NDArray[np.float64]) -> None:
    """Adds a layer to a whole picture, moved by the affine map (2, 3)."""
    h, w = layer.rgba.shape[:2]
    place = np.array([layer.x, layer.y])
    moved = (place + np.array([[0, 0], [w, 0], [0, h], [w, h]])) @ fit[:, :2].T + fit[:, 2]
    size = np.array([total.shape[1], total.shape[0]])
    first = np.clip(np.floor(moved.min(0)), 0, size).astype(int)
    last = np.clip(np.ceil(moved.max(0)), 0, size).astype(int)
    if (last <= first).any():
        return
    # Pixel centres lie at halves in the picture and at whole numbers for warpAffine.
    shift = fit[:, :2] @ (place + 0.5) + fit[:, 2] - 0.5 - first
    matrix = np.concatenate([fit[:, :2], shift[:, None]], axis=1)
    out = cv2.warpAffine(layer.rgba, matrix, (int(last[0] - first[0]), int(last[1] - first[1])))
    total[first[1] : last[1], first[0] : last[0]] += out


def _lay(picture: Float32, layer: Layer, camera: Camera) -> None:
    """Lays a layer over the picture, with the camera's gain."""
    x0, y0 = max(layer.x, 0), max(layer.y, 0)
    x1 = min(layer.x + layer.rgba.shape[1], camera.width)
    y1 = min(layer.y + layer.rgba.shape[0], camera.height)
    if x1 <= x0 or y1 <= y0:
        return
    part = layer.rgba[y0 - layer.y : y1 - layer.y, x0 - layer.x : x1 - layer.x]
    target = picture[y0:y1, x0:x1]
    target *= 1 - part[..., 3:]
    target += part[..., :3] * _gain(camera)


def _gain(camera: Camera) -> Float32:
    """Factors (3,) on red, green and blue: brightness and the colour of the light."""
    return camera.brightness * np.array([1 + 0.12 * camera.warmth, 1.0, 1 - 0.16 * camera.warmth], np.float32)


def _noise_field(camera: Camera, seed: int) -> Float32 | None:
    if camera.noise <= 0:
        return None
    rng = np.random.default_rng([seed, 4242])
    shape = (camera.height + 48, camera.width + 48, 3)
    return np.asarray(rng.standard_normal(shape, dtype=np.float32) * camera.noise, np.float32)


def _sensor(picture: Float32, noise: Float32 | None, camera: Camera, seed: int, index: int) -> Image:
    """What the sensor makes of the light: a soft lens, noise, whole numbers."""
    picture = np.asarray(cv2.GaussianBlur(picture, (3, 3), 0.45), np.float32)
    if noise is not None:
        # One field of noise, shifted at random: fresh noise for every frame would cost more than the hand.
        x, y = np.random.default_rng([seed, index, 3]).integers(0, 48, 2)
        picture += noise[y : y + camera.height, x : x + camera.width]
    return np.asarray(cv2.convertScaleAbs(np.maximum(picture, 0)), np.uint8)
