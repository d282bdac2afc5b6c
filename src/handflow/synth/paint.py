"""Paints one hand in one instant: a small picture with transparency, and where it belongs."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from handflow.synth.raster import rasterize
from handflow.synth.scene import Camera, PersonLook
from handflow.synth.shading import light_vertices
from handflow.synth.skinning import Pose, posed_mesh, solve_pose
from handflow.synth.wardrobe import DressedHand, dress
from handflow.types import Float32, Float64

_NEAREST = 0.05  # metres; nearer than this a webcam shows nothing that could be recognised
_PIXELS = 60_000  # painted at double size up to this many pixels, larger hands more coarsely


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A part of the picture."""

    x: int  # left edge, pixels
    y: int  # top edge, pixels
    rgba: Float32  # (height, width, 4) colour times coverage (0 to 255), and coverage (0 to 1)


class HandPainter:
    """Paints the hands of one person before one camera.

    Args:
        look: skin, sleeve and thickness.
        camera: size of the picture, focal length and light.
        seed: chooses the folds of the sleeve and the fine pattern of the skin.
    """

    def __init__(self, look: PersonLook, camera: Camera, seed: int = 0) -> None:
        self.look, self.camera = look, camera
        self._hand: DressedHand = dress(look, seed)

    def paint(self, joints: Float64, elbow: Float64, *, left: bool, margin: int = 0) -> Layer | None:
        """Paints one hand; None where nothing of it is in the picture.

        Args:
            joints: (21, 3) camera coordinates, metres.
            elbow: (3,) camera coordinates, metres; NaN: the forearm goes straight on from the hand.
            left: whether it is a left hand.
            margin: pixels beyond the picture's edges that are painted as well.
        """
        if not np.isfinite(joints).all() or joints[:, 2].min() < _NEAREST:
            return None
        if not np.isfinite(elbow).all():
            elbow = joints[0] + 1.4 * (joints[0] - joints[[9, 13]].mean(0)) * 2
        camera, hand = self.camera, self._hand
        pose = solve_pose(hand.mesh, joints, elbow, left=left, thickness=self.look.thickness)
        vertices, normals = posed_mesh(hand.mesh, pose)
        mirror = -1.0 if pose.flip else 1.0
        depth = np.maximum(vertices[:, 2], _NEAREST)
        focal = np.float32(camera.focal)
        points = np.stack([mirror * focal * vertices[:, 0], focal * vertices[:, 1]], 1) / depth[:, None]
        points += np.array([camera.width / 2, camera.height / 2], np.float32)
        used = points[hand.mesh.triangles[:, 0]]
        low = np.maximum(np.floor(used.min(0)) - 1, -margin).astype(int)
        high = np.minimum(np.ceil(used.max(0)) + 2, [camera.width + margin, camera.height + margin]).astype(
            int
        )
        w, h = high - low
        if w <= 0 or h <= 0:
            return None
        fine = 2 if w * h <= _PIXELS else 1
        points = ((points - low) * fine).astype(np.float32)
        triangles = hand.mesh.triangles if pose.flip else hand.mesh.triangles[:, ::-1]
        seen = rasterize(points, depth, triangles, (int(w * fine), int(h * fine)))
        if len(seen.pixels) == 0:
            return None
        colour = self._shade(vertices, normals, pose, triangles[seen.triangles], seen.shares)
        rgba = np.zeros((h * fine * w * fine, 4), np.float32)
        rgba[seen.pixels, :3] = colour
        rgba[seen.pixels, 3] = 1
        rgba = rgba.reshape(h * fine, w * fine, 4)
        if fine > 1:
            rgba = cv2.resize(rgba, (int(w), int(h)), interpolation=cv2.INTER_AREA)
        else:
            rgba = cv2.GaussianBlur(rgba, (0, 0), 0.5)
        return Layer(int(low[0]), int(low[1]), np.asarray(rgba, np.float32))

    def _shade(
        self,
        vertices: Float32,
        normals: Float32,
        pose: Pose,
        corners: NDArray[np.int32],
        shares: Float32,
    ) -> Float32:
        """Colours (n, 3) of pixels that lie at `shares` (n, 3) between the vertices `corners` (n, 3)."""
        hand = self._hand
        used = np.zeros(len(vertices), bool)
        used[corners.ravel()] = True
        rows = np.flatnonzero(used)
        x, y, z = self.camera.light
        mirror = -1.0 if pose.flip else 1.0
        attributes = np.empty((len(vertices), 7), np.float32)
        attributes[rows, :4] = light_vertices(
            vertices[rows], normals[rows], pose, (mirror * x, y, z), hand.skin[rows], hand.gloss[rows]
        )
        attributes[rows, 4:6] = hand.texels[rows]
        attributes[rows, 6] = hand.palmar[rows]
        mixed = attributes[corners[:, 0]] * shares[:, :1]
        mixed += attributes[corners[:, 1]] * shares[:, 1:2]
        mixed += attributes[corners[:, 2]] * shares[:, 2:]
        u, v = np.ascontiguousarray(mixed[:, 4]), np.ascontiguousarray(mixed[:, 5])
        back, palm = (_look_up(s, u, v) for s in (hand.sheets.back, hand.sheets.palm))
        colour = back + (palm - back) * mixed[:, 6:7]
        colour *= mixed[:, :3]
        colour += 255 * mixed[:, 3:4]
        return np.minimum(colour, 255.0)


def _look_up(sheet: Float32, u: Float32, v: Float32) -> Float32:
    """Colours (n, 3) of a sheet at texels (n,)."""
    # remap takes pictures of at most 32767 columns: fold the list of pixels into rows.
    n = len(u)
    columns = 1024
    rows = -(-n // columns)
    folded = np.zeros((2, rows * columns), np.float32)
    folded[0, :n], folded[1, :n] = u, v
    x, y = folded.reshape(2, rows, columns)
    out = cv2.remap(sheet, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out.reshape(-1, 3)[:n], np.float32)
