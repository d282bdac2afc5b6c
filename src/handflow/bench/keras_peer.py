"""The article's two networks in Keras, a program of the peers' environment: the truth for ours, and its cost.

    keras_peer.py check OUT.json                      outputs for given weights, before and after some steps
    keras_peer.py train NETWORK ARRAYS.npz OUT.json   cost of a training step

It knows nothing of handflow: the peers' environment does not hold it.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call, import-not-found, import-untyped, operator"

import json
import os
import sys
import time

import numpy as np

CASES = {
    # name: (network, frames, height, width, gates); small ones train, those of the article's size only answer
    "lrcn-small": ("lrcn", 3, 48, 64, "sigmoid"),
    "convlstm-small": ("convlstm", 3, 48, 62, "sigmoid"),
    "convlstm-small-hard": ("convlstm", 3, 48, 62, "hard_sigmoid"),
    "lrcn": ("lrcn", 8, 120, 160, "sigmoid"),
    "convlstm": ("convlstm", 8, 120, 160, "sigmoid"),
    "convlstm-hard": ("convlstm", 8, 120, 160, "hard_sigmoid"),
}
TRAINED = ("lrcn-small", "convlstm-small", "convlstm-small-hard")
LABELS = 4
STEPS = 3  # of training in the small cases


def hard_sigmoid(x):
    """That of Keras 2."""
    import keras

    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def flat_lrcn(frames, height, width):
    """LRCN whose batch norm sees all frames of a step at once, without dropout.

    That is what `TimeDistributed` did in Keras 2, the article's; in Keras 3 every frame has its own figures.
    """
    import keras
    from keras import layers

    given = layers.Input((frames, height, width, 3))
    x = keras.ops.reshape(given, (-1, height, width, 3))
    for filters in (16, 32, 64, 64):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2)(layers.BatchNormalization()(x))
    x = layers.LSTM(32)(keras.ops.reshape(x, (-1, frames, int(np.prod(x.shape[1:])))))
    return keras.Model(given, layers.Dense(LABELS, activation="softmax")(x))


def build(network, frames, height, width, gates="sigmoid", dropout=0.3):
    """The article's layers."""
    import keras
    from keras import layers

    each = layers.TimeDistributed
    model = keras.Sequential([layers.Input((frames, height, width, 3))])
    if network == "lrcn":
        for filters in (16, 32, 64, 64):
            model.add(each(layers.Conv2D(filters, 3, padding="same", activation="relu")))
            model.add(each(layers.BatchNormalization()))
            model.add(each(layers.MaxPooling2D(2)))
            model.add(each(layers.Dropout(dropout)))
        model.add(each(layers.Flatten()))
        model.add(layers.LSTM(32))
    else:
        activation = hard_sigmoid if gates == "hard_sigmoid" else "sigmoid"
        for filters in (8, 8, 16, 20):
            model.add(
                layers.ConvLSTM2D(
                    filters,
                    3,
                    activation="tanh",
                    recurrent_activation=activation,
                    recurrent_dropout=dropout,
                    return_sequences=True,
                )
            )
            model.add(layers.BatchNormalization())
            model.add(layers.MaxPooling3D((1, 2, 2), padding="same"))
            model.add(each(layers.Dropout(dropout)))
        model.add(layers.Flatten())
        for units in (64, 32):
            model.add(layers.Dense(units, activation="relu"))
            model.add(layers.Dropout(dropout))
    model.add(layers.Dense(LABELS, activation="softmax"))
    return model


def weights_like(shapes, seed):
    """Weights by chance, the same wherever they are drawn; the fourth of four like vectors is a variance."""
    rng = np.random.default_rng(seed)
    drawn, vectors = [], 0
    for shape in shapes:
        if len(shape) > 1:
            vectors = 0
            scale = 1.5 / np.sqrt(np.prod(shape[:-1]))
            drawn.append(rng.normal(0, scale, shape).astype("float32"))
        else:
            vectors += 1
            drawn.append((0.1 * rng.normal(size=shape)).astype("float32"))
            if vectors in (2, 5):  # scale after a bias, then shift, mean, variance
                drawn[-1] = (1 + drawn[-1]).astype("float32")
    return drawn


def pictures(case, clips):
    """Pictures by chance, the same wherever they are drawn."""
    _, frames, height, width, _ = CASES[case]
    return np.random.default_rng(7).random((clips, frames, height, width, 3), "float32")


def check(out):
    """Outputs of every case: one row of probabilities a clip."""
    import keras

    found = {"keras": keras.__version__, "cases": {}}
    for case, (network, frames, height, width, gates) in CASES.items():
        small = case in TRAINED
        if small and network == "lrcn":
            model = flat_lrcn(frames, height, width)
        else:
            model = build(network, frames, height, width, gates, dropout=0.0)
        model.set_weights(weights_like([w.shape for w in model.get_weights()], seed=11))
        x = pictures(case, 4)
        result = {"parameters": model.count_params(), "outputs": model.predict(x, verbose=0).tolist()}
        if small:
            model.compile("adam", "categorical_crossentropy")
            truth = np.eye(LABELS, dtype="float32")[np.arange(4) % LABELS]
            result["losses"] = [float(model.train_on_batch(x, truth)) for _ in range(STEPS)]
            result["trained"] = model.predict(x, verbose=0).tolist()
        found["cases"][case] = result
    with open(out, "w", encoding="utf-8") as file:  # noqa: PTH123 - plain Python, no Path needed
        json.dump(found, file)


def peak_memory():
    """What `processes.peak_memory` tells of ours: the same number of the same system, in the same unit."""
    if sys.platform == "win32":
        return None
    if sys.platform == "linux":
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            return float(file.read().split("VmHWM:")[1].split()[0]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def train(network, arrays, out):
    """Milliseconds a step of `fit` and the peak memory, on given clips."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(int(os.environ.get("THREADS", "2")))
    given = np.load(arrays)
    x, y, batch = given["x"], np.eye(LABELS, dtype="float32")[given["y"]], int(given["batch"])
    model = build(network, *x.shape[1:4])
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    steps = -(-len(x) // batch)
    seconds = []
    for _ in range(int(given["epochs"]) + 1):
        start = time.perf_counter()
        model.fit(x, y, batch_size=batch, verbose=0)
        seconds.append(time.perf_counter() - start)
    measured = {"step_ms": 1000 * float(np.median(seconds[1:])) / steps, "peak_mb": peak_memory()}
    with open(out, "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(measured | {"parameters": model.count_params()}, file)


if __name__ == "__main__":
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow")
    {"check": check, "train": train}[sys.argv[1]](*sys.argv[2:])
