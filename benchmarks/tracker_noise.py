"""How do the hand models err over time, and does `synth.noise` imitate it? Rendered clips of many persons.

What the hand models see is compared with the exact truth; then the same exact landmarks go through
`add_tracker_noise` and are measured by the same code: both are printed beside each other and drawn.

Every clip is another virtual person; gestures take turns. Errors are in palm scales (median over the clip of
the mean 3-D distance from the wrist to landmarks 5, 9, 13, 17), speeds are the palm centre's in scales a
second. Only frames wholly inside the picture count. clips.npz keeps what was measured: it is fitted anew,
also where `--measured` names one of another place.

    python benchmarks/tracker_noise.py --clips 216 --out /tmp/noise
    python benchmarks/tracker_noise.py --measured /tmp/noise/clips.npz --out /tmp/noise
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from handflow.evaluate.intervals import poisson_interval
from handflow.evaluate.plots import BLUE, ORANGE, new_figure, save, strip
from handflow.hands import HandLandmarker, track_hands
from handflow.synth.clips import make_clip, random_numbers
from handflow.synth.motion import PROGRAMS
from handflow.synth.noise import add_tracker_noise
from handflow.synth.person import random_person
from handflow.synth.render import render_frames
from handflow.types import Float64, HandSequence

PALM, KNUCKLES = [0, 5, 9, 13, 17], [5, 9, 13, 17]
TIPS, MIDDLE = [4, 8, 12, 16, 20], [2, 3, 6, 7, 10, 11, 14, 15, 18, 19]
GROUPS = {"wrist": [0], "knuckles": [1, *KNUCKLES], "middle": MIDDLE, "tips": TIPS}
FINGER = np.array([-1, *np.repeat(np.arange(5), 4)])  # of each landmark
SPEEDS = np.array([0, 0.5, 1, 2, 4, 6, 9, 13, 20, 60.0])  # palm scales a second
LAGS = np.array([0.02, 0.045, 0.08, 0.12, 0.18, 0.26, 0.36, 0.5, 0.7, 1.0])  # seconds
POSES = {"hold_open": "open", "hold_point": "pointing", "hold_fist": "fist"}  # the others move
FAST = 9.0  # palm scales a second
DRAWS = 3  # times that the imitation is drawn for every clip
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


def imitate(data: dict[str, Any], width: int, level: float = 1.0) -> dict[str, Any]:
    """The same clips with `add_tracker_noise` in place of the hand models, each drawn `DRAWS` times."""
    clips, drawn = int(data["clip"][-1]) + 1, []
    for draw in range(DRAWS):
        found = np.full_like(data["found"], np.nan)
        for k in range(clips):
            at = np.flatnonzero(data["clip"] == k)
            exact = np.full((len(at), 2, 21, 3), np.nan, np.float32)
            exact[:, data["hand"][at[0]]] = data["truth"][at]
            seen = np.asarray(np.isfinite(exact).all((2, 3)), np.float32)
            sequence = HandSequence(exact, data["time"][at], seen, seen)
            noise = random_numbers(k, draw, 41)
            noisy = add_tracker_noise(sequence, noise, level=level, frame_size=(width, width * 3 // 4))
            found[at] = noisy.landmarks[:, data["hand"][at[0]]]
        seen = np.isfinite(found).all((1, 2))
        slot = np.where(seen, data["hand"], -1)
        new = {"found": found, "slot": slot, "extra": np.zeros_like(slot)}
        drawn.append(data | new | {"clip": data["clip"] + draw * clips})
    fields = [name for name, value in data.items() if np.ndim(value)]
    return {name: np.concatenate([d[name] for d in drawn]) for name in fields}


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
    gestures = np.array([e.gesture[p[0]] for p in e.parts])
    of = {"all": e.bias - e.bias.mean(0)} | {hold: e.bias[gestures == hold] for hold in POSES}
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


def poses(e: Errors) -> dict[str, Any]:
    """Error that stays and error that varies, of all landmarks, by what the hand shows."""
    gestures = np.array([e.gesture[p[0]] for p in e.parts])
    shown = {name: gestures == gesture for gesture, name in POSES.items()}
    out = {}
    for name, of in (shown | {"moving": ~np.any(list(shown.values()), axis=0)}).items():
        bias, rest = e.bias[of], e.residual[of[e.part]]
        stay, vary = (rms(bias[..., :2]), rms(bias[:, 1:, 2])), (rms(rest[..., :2]), rms(rest[:, 1:, 2]))
        out[name] = {"stays": stay, "varies": vary}  # each (xy, z)
    return out


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


def comparison(fit: dict[str, Any]) -> list[tuple[str, float, float]]:
    """(what, of the hand models, of the imitation): every other speed and lag, the picture shows all."""
    rows = {}
    for axis, name in enumerate(("x and y", "z")):
        short = ("xy", "z")[axis]
        for low, high, *both in by_speed(fit, short)[::2]:
            rows[f"varies, {name}, {low:g} to {high:g} palms a second"] = both
        for pose in fit["seen"]["poses"]:
            rows[f"stays, {name}, {pose}"] = [f["poses"][pose]["stays"][axis] for f in fit.values()]
        for part in ("stays", "varies"):
            both = [rms(np.array(f[part]["landmark_" + short][axis:])) for f in fit.values()]
            rows[f"{part}, {name}, all"] = both
        lags = [f["varies"]["lasting_" + short] for f in fit.values()]
        for lag, *both in list(zip(lags[0]["lags"], *(of["std"] for of in lags), strict=True))[::2]:
            rows[f"changes, {name}, in {lag:.2f} s"] = both
        for part in ("hand", "finger"):
            share = [f["varies"]["shares_" + short][part] for f in fit.values()]
            rows[f"share common to the {part}, {name}"] = share
    rows["level of a clip, spread of its log"] = [f["varies"]["clip_level_log_std"] for f in fit.values()]
    rows["share of the depth that is seen"] = [f["depth"]["slope"][0] for f in fit.values()]
    rows["… its spread over clips"] = [f["depth"]["slope"][1] for f in fit.values()]
    for name, fast in (("below", False), ("from", True)):
        tables = [np.array(f["losses"]["speed_starts_seconds"]) for f in fit.values()]
        tables = [t[(t[:, 0] >= FAST) == fast] for t in tables]
        rates = [t[:, 1].sum() / t[:, 2].sum() for t in tables]
        rows[f"losses a second, {name} {FAST:g} palms a second"] = rates
    rows["seconds of a loss"] = [np.mean(f["losses"]["lengths"] or [np.nan]) for f in fit.values()]
    return [(name, float(seen), float(imitated)) for name, (seen, imitated) in rows.items()]


def by_speed(fit: dict[str, Any], axis: str) -> list[tuple[float, float, float, float]]:
    """(from, to, spread seen, spread imitated) of the error that varies, from the median."""
    tables = [f["varies"][axis]["speed_count_rms_robust"] for f in fit.values()]
    bins = [{int(np.digitize(row[0], SPEEDS)) - 1: row[3] for row in table} for table in tables]
    both = [b for b in bins[0] if b in bins[1]]
    return [(SPEEDS[b], SPEEDS[b + 1], bins[0][b], bins[1][b]) for b in both]


def draw(fit: dict[str, Any], path: Path) -> None:
    """Draws both beside each other: by speed, by pose, by lag, and losses."""
    figure = new_figure(9.1, 9.6)
    a, b, c, d, e, f = figure.subplots(3, 2).ravel()
    looks = (("hand models on rendered video", BLUE, "o-", 0.0), ("add_tracker_noise", ORANGE, "s--", 0.4))
    for (who, colour, style, right), of in zip(looks, fit.values(), strict=True):
        for axes, name in ((a, "xy"), (b, "z")):
            x, _, _, robust = np.array(of["varies"][name]["speed_count_rms_robust"]).T
            axes.plot(x, robust, style, color=colour, ms=5, label=who)
        for axis, look in enumerate(({}, {"fill": False, "hatch": "////"})):  # x and y, z
            place = np.arange(len(of["poses"])) - 0.32 + 0.43 * axis + right / 2
            stays = [pose["stays"][axis] for pose in of["poses"].values()]
            c.bar(place, stays, 0.19, edgecolor=colour, **({"facecolor": colour} | look))
        for axes, name in ((d, "xy"), (e, "z")):
            last = of["varies"]["lasting_" + name]
            axes.plot(last["lags"], last["std"], style, color=colour, ms=5, label=who)
        low, starts, seconds = np.array(of["losses"]["speed_starts_seconds"]).T
        enough = np.array(fit["seen"]["losses"]["speed_starts_seconds"])[:, 2] > 2
        ends = np.array([poisson_interval(int(n)) for n in starts[enough]]).T / seconds[enough]
        rate, place = starts[enough] / seconds[enough], np.arange(enough.sum()) - 0.12 + 0.6 * right
        f.errorbar(place, rate, np.abs(ends - rate), fmt=style[0], color=colour, ms=5, capsize=3, label=who)
        tops = [*SPEEDS[1:-1], np.inf]
        names = [f"{x:g}–{y:g}" if y < np.inf else f"{x:g}+" for x, y in zip(low, tops, strict=True)]
        f.set_xticks(np.arange(enough.sum()), np.array(names)[enough], fontsize=8.5)
    c.set_xticks(range(len(fit["seen"]["poses"])), fit["seen"]["poses"])
    f.set_yscale("symlog", linthresh=0.1)
    f.set_yticks([0, 0.05, 0.1, 0.3, 1], ["0", "0.05", "0.1", "0.3", "1"])
    titles = (
        (a, "Within a clip, x and y: spread by speed", "palm scales a second"),
        (b, "Within a clip, z: spread by speed", "palm scales a second"),
        (c, "What stays over a clip, by pose (plain: x and y, hatched: z)", ""),
        (d, "Change of the error by lag, x and y (÷ √2)", "seconds"),
        (e, "Change of the error by lag, z (÷ √2)", "seconds"),
        (f, "Losses begun a second, with 95 % intervals", "palm scales a second"),
    )
    for axes, title, below in titles:
        axes.set_title(title, fontsize=10)
        axes.set_xlabel(below)
        axes.set_ylim(0, None if axes is f else 1.08 * axes.get_ylim()[1])
        axes.set_ylabel("a second" if axes is f else "palm scales")
        strip(axes)
    figure.legend(*a.get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)
    save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--clips", type=int, default=90)
    parser.add_argument("--seed", type=int, default=31000, help="of the first person")
    parser.add_argument("--width", type=int, default=640, help="of the picture, pixels; the height is 3/4")
    parser.add_argument("--measured", type=Path, help="clips.npz of an earlier run: nothing is rendered")
    parser.add_argument("--level", type=float, default=1.0, help="of the imitated errors")
    parser.add_argument("--out", type=Path, default=Path("tracker-noise"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    path, made = args.measured or args.out / "clips.npz", f"{args.clips} {args.seed} {args.width}"
    if args.measured is None and (not path.exists() or str(np.load(path)["made"]) != made):
        np.savez_compressed(path, made=made, **measure(args.clips, args.seed, args.width))
    data = dict(np.load(path))
    width = int(str(data["made"]).split()[-1])
    fit = {}
    for name, of in (("seen", data), ("imitated", imitate(data, width, args.level))):
        e = Errors(of, width)
        fit[name] = {part.__name__: part(e) for part in (stays, varies, poses, depth, losses)}
    (args.out / "fit.json").write_text(json.dumps(fit, indent=1, default=float), encoding="utf-8")
    draw(fit, args.out / "tracker-noise.png")
    for part, values in fit["seen"].items():
        for name, value in values.items():
            print(f"{part:8}{name:24}" + re.sub(r"(\.\d{4})\d+", r"\1", json.dumps(value, default=float)))
    print("\n| in palm scales, or as said | hand models | imitation | ratio |\n|---|---|---|---|")
    for name, seen, imitated in comparison(fit):
        ratio = f"{imitated / seen:.2f}" if seen else "–"
        print(f"| {name} | {seen:.3f} | {imitated:.3f} | {ratio} |")


if __name__ == "__main__":
    main()
