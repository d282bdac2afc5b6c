"""How do the hand models err over time? Rendered clips of many persons, compared with their exact truth.

Every clip is another virtual person; gestures take turns. Errors are in palm scales (median over the clip of
the mean 3-D distance from the wrist to landmarks 5, 9, 13, 17), speeds are the palm centre's in scales a
second. Only frames wholly inside the picture count. clips.npz keeps what was measured: it is fitted anew.

    python benchmarks/tracker_noise.py --clips 90 --out /tmp/noise
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from handflow.hands import HandLandmarker, track_hands
from handflow.synth.clips import make_clip
from handflow.synth.motion import PROGRAMS
from handflow.synth.person import random_person
from handflow.synth.render import render_frames
from handflow.types import Float64

PALM, KNUCKLES = [0, 5, 9, 13, 17], [5, 9, 13, 17]
TIPS, MIDDLE = [4, 8, 12, 16, 20], [2, 3, 6, 7, 10, 11, 14, 15, 18, 19]
GROUPS = {"wrist": [0], "knuckles": [1, *KNUCKLES], "middle": MIDDLE, "tips": TIPS}
FINGER = np.array([-1, *np.repeat(np.arange(5), 4)])  # of each landmark
SPEEDS = np.array([0, 0.5, 1, 2, 4, 6, 9, 13, 20, 60.0])  # palm scales a second
LAGS = np.array([0.02, 0.045, 0.08, 0.12, 0.18, 0.26, 0.36, 0.5, 0.7, 1.0])  # seconds
FOUND = 1.0  # palm scales; a hand whose landmarks are on average nearer to the truth is this hand


def measure(clips: int, seed: int, width: int) -> dict[str, Any]:
    """Renders and tracks clips: arrays of all frames one after another."""
    landmarker, rows, names = HandLandmarker(), [], list(PROGRAMS)
    for k in range(clips):
        person, name = random_person(seed + k), names[k % len(names)]
        size = {"width": width, "height": width * 3 // 4}
        made = make_clip(name, person, seed + k, seconds=1.5, **size, substeps=None, second_hand=False)
        truth = made.clip.sequence.landmarks[:, person.slot]
        seen = track_hands(render_frames(made.scene), landmarker).measured().landmarks  # (n, 2, 21, 3)
        scale = float(np.nanmedian(np.linalg.norm(truth[:, KNUCKLES] - truth[:, :1], axis=-1).mean(-1)))
        off = np.nan_to_num(np.linalg.norm((seen - truth[:, None])[..., :2], axis=-1).mean(-1), nan=np.inf)
        slot = np.where(off.min(1) < FOUND * scale, off.argmin(1), -1)
        own = np.where((slot >= 0)[:, None, None], seen[np.arange(len(seen)), slot], np.nan)
        same = (k, k % len(names), person.slot, person.fps, scale)  # in all frames of the clip
        extra = np.isfinite(seen).all((2, 3)).sum(1) - (slot >= 0)
        columns = (truth, own, slot, extra, made.clip.sequence.timestamps)
        rows.append((*columns, *(np.full(len(slot), value) for value in same)))
    fields = ("truth", "found", "slot", "extra", "time", "clip", "gesture", "hand", "fps", "scale")
    return {name: np.concatenate(v) for name, v in zip(fields, zip(*rows, strict=True), strict=True)}


class Errors:
    """The errors of all frames, in palm scales, and what they may depend on."""

    def __init__(self, data: dict[str, Any], width: int) -> None:
        self.clip, self.time, self.slot, self.extra = (data[k] for k in ("clip", "time", "slot", "extra"))
        self.gesture, self.hand = np.array(list(PROGRAMS))[data["gesture"]], data["hand"]
        size, pixels = data["scale"][:, None, None], data["truth"][..., :2]
        self.truth, self.found = data["truth"] / size, data["found"] / size
        self.error = self.found - self.truth  # (n, 21, 3)
        self.clips = [np.flatnonzero(self.clip == k) for k in range(self.clip[-1] + 1)]
        centre = self.truth[:, PALM, :2].mean(1)
        velocity = [np.gradient(centre[at], self.time[at], axis=0) for at in self.clips]
        self.speed = np.linalg.norm(np.concatenate(velocity), axis=1)
        inside = ((pixels >= 0) & (pixels < [width, width * 3 // 4])).all((1, 2))
        self.inside, self.seen = inside & np.isfinite(self.speed), self.slot >= 0
        self.parts = [p for at in self.clips if len(p := at[(self.inside & self.seen)[at]]) >= 5]
        self.used = np.concatenate(self.parts)  # the frames that count: of clips with five or more of them
        self.bias = np.stack([self.error[p].mean(0) for p in self.parts])  # (parts, 21, 3)
        self.part = np.repeat(np.arange(len(self.parts)), [len(p) for p in self.parts])  # of each used frame
        self.residual = self.error[self.used] - self.bias[self.part]


def rms(values: Float64) -> float:
    return float(np.sqrt(np.mean(values**2))) if values.size else float("nan")


def shares(x: Float64) -> dict[str, float]:
    """Variance of x (n, 20 or 21, axes) common to the hand, to a finger, and of a landmark alone."""
    moment = np.einsum("nia,nja->ij", x, x) / len(x)
    finger = FINGER[-x.shape[1] :]
    same, diagonal = finger[:, None] == finger, np.eye(len(finger), dtype=bool)
    total, hand, both = (moment[at].mean() for at in (diagonal, ~same, same & ~diagonal))
    return {"hand": hand / total, "finger": (both - hand) / total, "own": 1 - both / total}


def stays(e: Errors) -> dict[str, Any]:
    """The error that stays with a clip, also of clips with straight and with curled fingers."""
    gestures, holds = np.array([e.gesture[p[0]] for p in e.parts]), ("hold_open", "hold_point", "hold_fist")
    of = {"all": e.bias - e.bias.mean(0)} | {hold: e.bias[gestures == hold] for hold in holds}
    return {
        **{k: {g: [rms(b[:, i, a]) for a in range(3)] for g, i in GROUPS.items()} for k, b in of.items()},
        "landmark_xy": [rms(e.bias[:, i, :2]) for i in range(21)],
        "landmark_z": [rms(e.bias[:, i, 2]) for i in range(21)],
        "shares_xy": shares(e.bias[..., :2]),
        "shares_z": shares(e.bias[:, 1:, 2:]),
    }


def line(speed: Float64, values: Float64) -> dict[str, Any]:
    """Std of values (n, …) as a + b * speed, from bins of speed; robust: from the median of what is there."""
    where, flat = np.digitize(speed, SPEEDS) - 1, values.reshape(len(values), -1)
    bins = [at for b in range(len(SPEEDS) - 1) if (at := where == b).sum() >= 20]
    rows = [[speed[at].mean(), at.sum(), rms(flat[at]), 1.4826 * np.median(np.abs(flat[at]))] for at in bins]
    x, n, y, robust = np.array(rows).T
    (b, a), (rb, ra) = np.polyfit(x, y, 1, w=np.sqrt(n)), np.polyfit(x, robust, 1, w=np.sqrt(n))
    return {"a": a, "b": b, "robust_a": ra, "robust_b": rb, "speed_count_rms_robust": rows}


def lasting(e: Errors, x: Float64) -> dict[str, Any]:
    """Half the squared change of x (n, …) by lag: white + slow * (1 - exp(-lag / tau)), and without white."""
    pairs = [tuple(p[k] for k in np.triu_indices(len(p), 1)) for p in e.parts]
    i, j = (np.concatenate(side) for side in zip(*pairs, strict=True))
    lag, half = e.time[j] - e.time[i], ((x[j] - x[i]) ** 2).reshape(len(i), -1).mean(1) / 2
    bins = [at for b in range(1, len(LAGS)) if (at := np.digitize(lag, LAGS) == b).any()]
    lags, gamma = (np.array([v[at].mean() for at in bins]) for v in (lag, half))
    out: dict[str, Any] = {"lags": lags.tolist(), "std": np.sqrt(gamma).tolist()}
    for name, white in (("misfit_tau_white_slow", 1.0), ("ar1_misfit_tau_0_std", 0.0)):
        fits = []
        for tau in np.geomspace(0.005, 2, 120).tolist():
            table = np.stack([np.full(len(lags), white), 1 - np.exp(-lags / tau)], 1) / gamma[:, None]
            solved = np.linalg.lstsq(table, np.ones(len(lags)), rcond=None)[0].clip(0)
            fits.append([rms(table @ solved - 1), tau, *np.sqrt(solved).tolist()])
        out[name] = min(fits)
    return out


def varies(e: Errors) -> dict[str, Any]:
    """The error that varies within a clip."""
    xy, speed = e.residual[..., :2], e.speed[e.used]
    fit = line(speed, xy)
    even = xy / (fit["a"] + fit["b"] * speed)[:, None, None]
    level = np.array([rms(even[e.part == k]) for k in range(len(e.parts))])  # how shaky a clip is
    calm = even / level[e.part][:, None, None]
    return {
        "xy": fit,
        "z": line(speed, e.residual[:, 1:, 2]),
        "groups_xy": {g: {k: line(speed, xy[:, i])[k] for k in ("a", "b")} for g, i in GROUPS.items()},
        "landmark_xy": [rms(xy[:, i]) for i in range(21)],
        "landmark_z": [rms(e.residual[:, i, 2]) for i in range(21)],
        "shares_xy": shares(xy),
        "shares_z": shares(e.residual[:, 1:, 2:]),
        "lasting_xy": lasting(e, e.error[..., :2]),
        "lasting_z": lasting(e, e.error[:, 1:, 2]),
        "kurtosis_of_all_in_clips": [(v**4).mean() / (v**2).mean() ** 2 for v in (even, calm)],
        "p99_to_std": np.percentile(np.abs(even), 99) / rms(even),
        "clip_level_log_std": float(np.log(level).std()),
    }


def depth(e: Errors) -> dict[str, Any]:
    """Estimated depth against the true one, both relative to the wrist: a slope through 0 for each clip."""
    rows, left, still = [], [], []
    for p in e.parts:
        x, y = e.truth[p, :, 2], e.found[p, :, 2] - e.found[p, :1, 2]
        slope = (x * y).sum() / (x * x).sum()
        rows.append([slope, np.corrcoef(x.ravel(), y.ravel())[0, 1], np.sqrt((x**2).mean())])
        still.append((y - slope * x).mean(0))
        left.append(y - slope * x - still[-1])
    table, bias, rest = np.array(rows), np.array(still), np.concatenate(left)
    deep = table[table[:, 2] > 0.2]  # others say little about a slope
    return {
        "slope": [deep[:, 0].mean(), deep[:, 0].std(), *np.percentile(deep[:, 0], [5, 50, 95])],
        "correlation": [deep[:, 1].mean(), deep[:, 1].std()],
        "stays_left": {g: float(bias[:, ids].std(0).mean()) for g, ids in GROUPS.items()},
        "varies_left": {g: rms(rest[:, ids]) for g, ids in GROUPS.items()},
    }


def losses(e: Errors) -> dict[str, Any]:
    """Where a hand inside the picture is not seen, which slot it lands in, and hands that are none."""
    starts, risk, lengths, late, never = *np.zeros((2, len(SPEEDS) - 1)), [], [], 0
    for at in e.clips:
        there, seen, times = e.inside[at], e.seen[at], e.time[at]
        if not (there & seen).any():
            never += int(there.any())
            continue
        first = int((there & seen).argmax())
        late.append(float(times[first] - times[there.argmax()]))
        for i in first + 1 + np.flatnonzero(there[first + 1 :]):
            if seen[i - 1] and there[i - 1]:
                b = int(np.digitize(e.speed[at[i]], SPEEDS)) - 1
                risk[b] += times[i] - times[i - 1]
                if not seen[i]:
                    starts[b] += 1
                    ends = i + np.flatnonzero((seen | ~there)[i:])  # found again, or left the picture
                    lengths.append(float(times[ends[0] if len(ends) else -1] - times[i]))
    wrong = e.seen & (e.slot != e.hand)
    return {
        "never_found": never,
        "late_share_mean": [np.mean(np.array(late) > 0), np.mean([s for s in late if s] or [0.0])],
        "speed_starts_seconds": np.stack((SPEEDS[:-1], starts, risk), 1).tolist(),
        "lengths": sorted(lengths),
        "frames_wrong_slot": wrong[e.seen].mean(),
        "clips_wrong_slot": np.mean([wrong[at].any() for at in e.clips]),
        "flips": sum(int((np.diff(e.slot[at[e.seen[at]]]) != 0).sum()) for at in e.clips),
        "frames_false_hand": (e.extra > 0).mean(),
        "clips_frames_used": [len(e.clips), len(e.clip), len(e.used)],
    }


def draw(fit: dict[str, Any], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure((14, 9), layout="constrained")
    a, b, c, d = figure.subplots(2, 2).ravel()
    for name in ("xy", "z"):
        speed, last = fit["varies"][name], fit["varies"]["lasting_" + name]
        x, _, *both = np.array(speed["speed_count_rms_robust"]).T
        a.plot(x, np.transpose(both), "o-", label=[f"{name} std by speed", f"{name} from the median"])
        a.plot(x, speed["a"] + speed["b"] * x, "k--")
        for part in ("stays", "varies"):
            b.plot(fit[part]["landmark_" + name], "o-", label=f"{name} {part}, by landmark")
        c.plot(last["lags"], last["std"], "o-", label=f"{name} change/√2 by lag (s)")
    low, starts, seconds = np.array(fit["losses"]["speed_starts_seconds"]).T
    d.plot(low, starts / seconds.clip(0.1), "o-", label="losses begun a second, by speed")
    for axes in (a, b, c, d):
        axes.legend()
    figure.savefig(path, dpi=70)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--clips", type=int, default=90)
    parser.add_argument("--seed", type=int, default=31000, help="of the first person")
    parser.add_argument("--width", type=int, default=640, help="of the picture, pixels; the height is 3/4")
    parser.add_argument("--out", type=Path, default=Path("tracker-noise"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    path, made = args.out / "clips.npz", f"{args.clips} {args.seed} {args.width}"
    if not path.exists() or str(np.load(path)["made"]) != made:
        np.savez_compressed(path, made=made, **measure(args.clips, args.seed, args.width))
    e = Errors(dict(np.load(path)), args.width)
    fit = {part.__name__: part(e) for part in (stays, varies, depth, losses)}
    (args.out / "fit.json").write_text(json.dumps(fit, indent=1, default=float), encoding="utf-8")
    draw(fit, args.out / "fit.png")
    for part, values in fit.items():
        for name, value in values.items():
            print(f"{part:8}{name:24}" + re.sub(r"(\.\d{4})\d+", r"\1", json.dumps(value, default=float)))


if __name__ == "__main__":
    main()
