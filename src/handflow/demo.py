"""The demo: the whole way on synthetic hands, from rendered pixels to gesture events.

Clips of several virtual persons are rendered and tracked by the real hand models, a model is trained on some
persons and evaluated on others, and a continuous video of a person never trained on is streamed through the
same code as a camera. What chance decides follows from one seed.
"""

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from handflow import synth
from handflow.atomic import write_bytes
from handflow.capture import VideoWriter, open_source
from handflow.data import Dataset
from handflow.data.take import RecorderConfig, why_unusable
from handflow.hands import HandLandmarker, HandLandmarkerConfig, find_hand_models, track_hands
from handflow.live.annotate import Annotator
from handflow.live.pipeline import LiveResult, Pipeline
from handflow.processes import cores, in_processes
from handflow.recognize import Recognizer
from handflow.synth.clips import make_clip
from handflow.synth.person import random_person
from handflow.synth.render import render_frames
from handflow.synth.streams import make_stream
from handflow.types import BACKGROUND, Clip, GestureEvent, Scores, Segment, StageTimes

GESTURES = ("hand_up", "hand_down", "hand_left", "hand_right")
HANDS = HandLandmarkerConfig(max_hands=1)
"""The demo's persons show one hand; no time is spent on looking for another."""
_CLIP_SECONDS = 1.3
_ATTEMPTS = 4
Progress = Callable[[str, int, int], None]
"""Called with what is being made, how many are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class DemoConfig:
    """What the demo makes.

    Attributes:
        seed: decides persons, motions and training.
        train_persons: virtual persons whose clips are trained on.
        test_persons: others, whose clips are only tested on.
        clips: of each gesture by each person.
        background_clips: of idle hands by each person.
        stream_gestures: gestures in the continuous video.
        fps: frames a second of all pictures: what webcams give in a dim room, and half the work of 30.
        size: (width, height) of all pictures, pixels.
    """

    seed: int = 0
    train_persons: int = 16
    test_persons: int = 5
    clips: int = 2
    background_clips: int = 3
    stream_gestures: int = 12
    fps: float = 15.0
    size: tuple[int, int] = (320, 240)

    def __post_init__(self) -> None:
        for name in ("train_persons", "test_persons", "clips", "background_clips", "stream_gestures"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, choose 1 or more")

    @property
    def fingerprint(self) -> str:
        """Names what is made: it changes with every value and with the code that makes it."""
        digest = hashlib.sha256(json.dumps([asdict(self), HANDS.version], sort_keys=True).encode())
        for module in sorted(Path(synth.__file__).parent.glob("*.py")):
            digest.update(module.read_bytes())
        return digest.hexdigest()[:12]

    def person_seed(self, number: int) -> int:
        """Seed of a virtual person: first those for training, then those for testing, then the stream's."""
        return self.seed * 1000 + number


@dataclass(frozen=True, slots=True)
class ClipOrder:
    """One clip to be made."""

    id: str
    gesture: str
    person_seed: int
    subject: str
    seed: int
    fps: float
    size: tuple[int, int]
    test: bool  # never trained on


@dataclass(frozen=True, slots=True)
class DemoMaterial:
    """What was made: two datasets of clips and a continuous video with its truth."""

    train: Path
    test: Path
    video: Path
    segments: tuple[Segment, ...]


def clip_orders(config: DemoConfig, *, test: bool) -> list[ClipOrder]:
    """The clips of all training or all testing persons."""
    first, count = (config.train_persons, config.test_persons) if test else (0, config.train_persons)
    takes = [(g, k) for g in GESTURES for k in range(config.clips)]
    takes += [(BACKGROUND, k) for k in range(config.background_clips)]
    return [
        ClipOrder(
            id=f"{gesture}-p{person:02d}-{take:02d}",
            gesture=gesture,
            person_seed=config.person_seed(person),
            subject=f"person {person:02d}",
            seed=config.seed * 100_000 + person * 100 + take,
            fps=config.fps,
            size=config.size,
            test=test,
        )
        for person in range(first, first + count)
        for gesture, take in takes
    ]


_landmarker: HandLandmarker | None = None  # one for each worker process: loading it takes half a second


def make_tracked_clip(order: ClipOrder) -> Clip:
    """Renders a clip and tracks its hands with the real hand models.

    A take that shows too little of a hand is taken again, as `handflow record` does.
    """
    for attempt in range(_ATTEMPTS):
        clip = _take(order, order.seed + 1_000_000 * attempt)
        if why_unusable(clip.sequence, RecorderConfig()) is None:
            break
    return clip


def _take(order: ClipOrder, seed: int) -> Clip:
    global _landmarker  # noqa: PLW0603
    _landmarker = _landmarker or HandLandmarker(HANDS)
    width, height = order.size
    made = make_clip(
        order.gesture,
        random_person(order.person_seed),
        seed,
        fps=order.fps,
        seconds=_CLIP_SECONDS,
        width=width,
        height=height,
        substeps=None,
        second_hand=False,
    )
    return Clip(
        id=order.id,
        label=order.gesture,
        sequence=track_hands(render_frames(made.scene), _landmarker),
        frame_size=order.size,
        subject=order.subject,
        session=order.subject,
        source="synthetic hand, rendered and tracked",
    )


def make_video(config: DemoConfig, video: Path, truth: Path) -> None:
    """Renders the continuous video of a person never trained on and writes its truth."""
    person = random_person(config.person_seed(config.train_persons + config.test_persons))
    width, height = config.size
    made = make_stream(
        GESTURES,
        person,
        config.seed,
        gestures_count=config.stream_gestures,
        fps=config.fps,
        width=width,
        height=height,
        substeps=None,
        second_hand=False,
    )
    with VideoWriter(video, config.size, config.fps) as writer:
        for frame in render_frames(made.scene):
            writer.write(frame.image, frame.timestamp)
    write_bytes(truth, json.dumps([asdict(s) for s in made.stream.segments], indent=1).encode())


def _make(orders: tuple[ClipOrder, ...], config: DemoConfig, video: Path, truth: Path) -> list[Clip]:
    """Makes the clips of one person, who is dressed once; or the video where no clips are ordered."""
    if not orders:
        make_video(config, video, truth)
    return [make_tracked_clip(order) for order in orders]


def prepare(config: DemoConfig, folder: Path, *, jobs: int = 0, progress: Progress) -> DemoMaterial:
    """Makes what is missing under `folder`; what is there stays, so an interrupted run goes on.

    Args:
        config: what to make.
        folder: usually in the user's cache folder.
        jobs: processes; 0: one a core.
        progress: told after every clip.

    Raises:
        ModelFileError: the hand models are missing.
        HandflowError: a process was killed; what is done stays.
    """
    find_hand_models()  # before the workers start, so that only one of them fetches
    train = Dataset.create(folder / "train", gestures=(*GESTURES, BACKGROUND), exist_ok=True)
    test = Dataset.create(folder / "test", gestures=(*GESTURES, BACKGROUND), exist_ok=True)
    video, truth = folder / "stream.mp4", folder / "stream.json"
    missing: list[ClipOrder] = []
    for dataset, is_test in ((train, False), (test, True)):
        there = {entry.id for entry in dataset.entries()}
        missing += [order for order in clip_orders(config, test=is_test) if order.id not in there]
    work = [tuple(orders) for _, orders in groupby(missing, key=lambda order: order.subject)]
    if not (truth.exists() and video.exists()):
        work.insert(0, ())  # the video first: it takes longest
    done = 0
    for orders, clips in in_processes(_make, work, config, video, truth, processes=jobs or cores()):
        for order, clip in zip(orders, clips, strict=True):
            (test if order.test else train).add(clip, landmarker=HANDS.version)
        done += len(clips)
        progress("clips rendered and tracked", done, len(missing))
    segments = tuple(Segment(**s) for s in json.loads(truth.read_text(encoding="utf-8")))
    return DemoMaterial(train.path, test.path, video, segments)


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """What the pipeline made of the continuous video."""

    events: tuple[GestureEvent, ...]
    scores: tuple[Scores, ...]  # of every frame
    times: StageTimes
    seconds: float  # length of the video


def play(
    material: DemoMaterial, recognizer: Recognizer, annotated: Path, *, progress: Callable[[int, int], None]
) -> Played:
    """Streams the video through the live pipeline and writes it annotated.

    Args:
        material: holds the video and its truth.
        recognizer: scores its windows.
        annotated: where the video with hands, scores and events goes.
        progress: told how many seconds of how many are done.
    """
    pipeline = Pipeline(HandLandmarker(HANDS), recognizer)
    annotator = Annotator(recognizer.labels, material.segments)
    events: list[GestureEvent] = []
    scores: list[Scores] = []
    with open_source(material.video) as source:
        results = pipeline.run(source)
        first = next(results)
        picture = annotator.draw(first)
        with (
            VideoWriter(annotated, (picture.shape[1], picture.shape[0]), source.fps) as video,
            ThreadPoolExecutor(1) as behind,  # the next frame need not wait for drawing and encoding
        ):
            video.write(picture, first.frame.timestamp)

            def draw(result: LiveResult) -> None:
                video.write(annotator.draw(result), result.frame.timestamp)

            drawn = []
            for result in results:
                events.extend(result.events)
                scores.append(result.scores)
                drawn.append(behind.submit(draw, result))
                done = int(result.frame.timestamp)
                progress(done, max(done, int(material.segments[-1].offset)))
            for picture_drawn in drawn:
                picture_drawn.result()
    events.extend(pipeline.finish())
    return Played(tuple(events), tuple(scores), pipeline.times, scores[-1].timestamp)
