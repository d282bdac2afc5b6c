"""What a renderer is given: exact joints of every hand for every frame, a camera and a person's look."""

from dataclasses import dataclass

import numpy as np

from handflow.types import Float32, Float64, HandSequence


@dataclass(frozen=True, slots=True)
class Camera:
    """A webcam and the light it works in."""

    width: int = 320  # pixels
    height: int = 240  # pixels
    focal: float = 300.0  # focal length in pixels
    exposure: float = 0.01  # seconds the shutter stays open: the source of motion blur
    noise: float = 2.0  # standard deviation of sensor noise, grey levels
    brightness: float = 1.0  # gain of the whole picture
    light: tuple[float, float, float] = (-0.4, -0.6, -0.8)  # direction towards the light, camera axes
    warmth: float = 0.0  # -1 bluish to 1 yellowish


@dataclass(frozen=True, slots=True)
class PersonLook:
    """What a virtual person's hands look like."""

    skin: tuple[float, float, float] = (225.0, 180.0, 150.0)  # RGB, 0 to 255
    sleeve: tuple[float, float, float] | None = (60.0, 70.0, 110.0)  # RGB; None: bare forearm
    sleeve_start: float = 0.25  # where the sleeve begins, share of the forearm from the wrist
    thickness: float = 1.0  # multiplier on finger and palm radii


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Joints of up to two hands over time, with all that a picture of them needs.

    Joints are in camera coordinates, metres: x right, y down, z away from the camera. NaN: no such hand.
    The substeps of a frame lie evenly over its exposure and average to its picture; the frame's timestamp
    and truth belong to the middle of the exposure.
    """

    joints: Float32  # (frames, substeps, 2, 21, 3) metres, slot 0 left, slot 1 right
    elbows: Float32  # (frames, substeps, 2, 3) metres
    timestamps: Float64  # (frames,) seconds
    camera: Camera
    look: PersonLook
    background_seed: int = 0

    def project(self, points: Float32) -> Float32:
        """Camera coordinates (…, 3) in metres to pixels (…, 2)."""
        c = self.camera
        depth = points[..., 2]
        x = c.width / 2 + c.focal * points[..., 0] / depth
        y = c.height / 2 + c.focal * points[..., 1] / depth
        return np.stack([x, y], axis=-1).astype(np.float32)

    def truth(self) -> HandSequence:
        """Exact landmarks of every frame, pixels; z relative to the wrist, in the scale of x.

        A hand whose every joint is outside the picture counts as not there.
        """
        middle = self.joints.mean(axis=1)  # (frames, 2, 21, 3)
        pixels = self.project(middle)
        wrist = middle[..., :1, 2]
        z = (middle[..., 2] - wrist) * self.camera.focal / wrist
        landmarks = np.concatenate([pixels, z[..., None]], axis=-1).astype(np.float32)
        inside = (
            (pixels >= 0) & (pixels < np.array([self.camera.width, self.camera.height], np.float32))
        ).all(axis=-1)
        landmarks[~inside.any(axis=-1)] = np.nan
        seen = np.isfinite(landmarks).all(axis=(2, 3))
        right = np.broadcast_to(np.array([0.0, 1.0], np.float32), seen.shape)
        return HandSequence(
            landmarks=landmarks,
            timestamps=self.timestamps,
            handedness=np.where(seen, right, np.nan).astype(np.float32),
            presence=np.asarray(seen, np.float32),
        )
