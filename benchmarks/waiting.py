"""Whether training on pictures waits for its data: LRCN with each input on a dataset with pictures.

python benchmarks/waiting.py DATASET
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from handflow.data import load_clips
from handflow.processes import cores, keep_freed_memory
from handflow.train import configured, usable_clips
from handflow.train.image_networks import LRCN, ImageNetworkConfig
from handflow.train.images import labels_of, make_cutters, window_seconds
from handflow.train.picture_batches import PictureBatches
from handflow.train.picture_store import PictureStore
from handflow.train.picture_windows import prepare_clips
from handflow.train.vary import VaryPictures
from handflow.types import Clip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=Path)
    clips = usable_clips(load_clips(parser.parse_args().dataset))
    keep_freed_memory()
    torch.set_num_threads(cores())
    print(f"{'input':8}{'ms a step':>12}{'waiting for data':>20}")
    for kind in ("mask", "crop", "full"):
        step_ms, share = measured(clips, kind)
        print(f"{kind:8}{step_ms:12.0f}{share:20.1%}")


def measured(clips: list[Clip], kind: str) -> tuple[float, float]:
    """Milliseconds a step over the second epoch, and the share of it that passes before a batch is there."""
    config = configured("lrcn", input=kind)
    images = config.images
    stored = PictureStore(images.given).prepare(clips) if images.given.needs_frames else None
    labels, background = labels_of(clips, images)
    seconds = window_seconds(clips, images)
    cutters = make_cutters(labels, seconds, config, derive=background == "derived")
    batches = PictureBatches(
        prepare_clips(clips, stored),
        cutters.varied,
        draws=images.draws,
        batch=config.batch,
        rng=np.random.default_rng(0),
    )
    network = LRCN(ImageNetworkConfig(len(labels), images.frames, images.height, images.width))
    vary, optimizer = VaryPictures(images.given), torch.optim.Adam(network.parameters(), fused=True)
    for _ in range(2):
        waited, start = 0.0, time.perf_counter()
        following: Iterator[tuple[torch.Tensor, ...]] = iter(batches)
        while True:
            asked = time.perf_counter()
            batch = next(following, None)
            waited += time.perf_counter() - asked
            if batch is None:
                break
            pictures, targets, varied = batch
            loss = functional.cross_entropy(network(vary(pictures, varied)), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        spent = time.perf_counter() - start
    return 1000 * spent / len(batches), waited / spent


if __name__ == "__main__":
    main()
