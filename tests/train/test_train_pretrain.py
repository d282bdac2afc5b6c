"""Pretraining of the few-shot encoders: resumable to the last bit, the same in NumPy and torch, shipped."""

import json
import signal
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from handflow.errors import TrainingError
from handflow.recognize.few_shot.classifier import Usual
from handflow.recognize.few_shot.hand_features import CHANNELS, hand_features
from handflow.recognize.few_shot.packaged import (
    CARD_FILE,
    ENCODERS_FILE,
    OnnxEncoders,
    packaged_encoders,
    packaged_usual,
    read_card,
)
from handflow.recognize.few_shot.parts import PARTS
from handflow.recognize.windows import STEPS
from handflow.synth.gesture_tables import Gestures, TableConfig, draw_gestures
from handflow.synth.performances import NumpyDraws, PerformanceConfig, Performances, perform
from handflow.train import package_encoders, pretrain, settle
from handflow.train.encoder import EncoderConfig, Experts, HandEncoder, contrastive_loss
from handflow.train.package_encoders import PARITY, export_encoders, write_encoders
from handflow.train.pretrain import EXPERTS, PretrainConfig, Progress, pretrain_expert
from handflow.train.torch_draws import TorchDraws

SMALL = EncoderConfig(width=16, embedding=8)
QUICK = PretrainConfig(steps=6, tasks=1, gestures=3, takes=2, threads=1, encoder=SMALL)


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """Pretraining sets torch's threads; other tests get them back."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def weights(network: HandEncoder) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=0, atol=0, msg=name)


def differ(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return any(not torch.equal(value, other[name]) for name, value in one.items())


def stop_at(step: int) -> pretrain.Report:
    """A report that is told Ctrl-C after a step."""

    def report(now: Progress) -> None:
        if now.step == step:
            raise KeyboardInterrupt

    return report


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    return weights(pretrain_expert("exact", QUICK, tmp_path_factory.mktemp("whole")))


@pytest.mark.parametrize("stops", [(1,), (3,), (5,), (2, 4)])
def test_an_interrupted_training_ends_with_the_very_weights_of_one_without_interruption(
    uninterrupted: dict[str, Tensor], tmp_path: Path, stops: tuple[int, ...]
) -> None:
    for stop in stops:
        with pytest.raises(KeyboardInterrupt):
            pretrain_expert("exact", QUICK, tmp_path, stop_at(stop))
    steps: list[int] = []
    network = pretrain_expert("exact", QUICK, tmp_path, lambda now: steps.append(now.step))
    assert steps == list(range(stops[-1] + 1, QUICK.steps + 1))
    assert_same(weights(network), uninterrupted)


def test_ctrl_c_within_a_step_loses_nothing_either(
    uninterrupted: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def interrupted(*given: Any) -> float:
        calls.append(1)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return 0.5

    with monkeypatch.context() as patched:
        patched.setattr(pretrain, "_nearest", interrupted)  # what a step does last
        with pytest.raises(KeyboardInterrupt):
            pretrain_expert("exact", QUICK, tmp_path)
    assert_same(weights(pretrain_expert("exact", QUICK, tmp_path)), uninterrupted)


def test_a_finished_training_is_not_done_again(uninterrupted: dict[str, Tensor], tmp_path: Path) -> None:
    pretrain_expert("exact", QUICK, tmp_path)
    told: list[Progress] = []
    assert_same(weights(pretrain_expert("exact", QUICK, tmp_path, told.append)), uninterrupted)
    assert not told


def test_progress_is_told_after_every_step(tmp_path: Path) -> None:
    told: list[Progress] = []
    network = pretrain_expert("motion", QUICK, tmp_path, told.append)
    assert [(now.expert, now.step, now.steps) for now in told] == [("motion", k, 6) for k in range(1, 7)]
    assert all(np.isfinite(now.loss) and 0 <= now.nearest <= 1 for now in told)
    assert not network.training


def test_experts_and_seeds_differ(uninterrupted: dict[str, Tensor], tmp_path: Path) -> None:
    assert differ(weights(pretrain_expert("motion", QUICK, tmp_path / "a")), uninterrupted)
    assert differ(weights(pretrain_expert("exact", replace(QUICK, seed=1), tmp_path / "b")), uninterrupted)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"steps": 7},
        {"gestures": 4},
        {"learning_rate": 1e-3},
        {"encoder": EncoderConfig(width=24, embedding=8)},
        {"performances": PerformanceConfig(variety=0.5)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_recipe_in_the_same_folder_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    pretrain_expert("exact", QUICK, tmp_path)
    before = (tmp_path / "exact.pt").read_bytes()
    with pytest.raises(TrainingError, match=r"exact\.pt was begun with another recipe"):
        pretrain_expert("exact", replace(QUICK, **change), tmp_path)
    assert (tmp_path / "exact.pt").read_bytes() == before


def test_gestures_of_another_kind_are_another_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretrain_expert("exact", QUICK, tmp_path)
    monkeypatch.setitem(EXPERTS, "exact", TableConfig(held=0.5))
    with pytest.raises(TrainingError, match="another recipe"):
        pretrain_expert("exact", QUICK, tmp_path)


def test_how_many_threads_compute_is_no_part_of_the_recipe(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        pretrain_expert("exact", QUICK, tmp_path, stop_at(3))
    told: list[Progress] = []
    pretrain_expert("exact", replace(QUICK, threads=2), tmp_path, told.append)
    assert [now.step for now in told] == [4, 5, 6]


def test_checkpoints_of_both_experts_stand_side_by_side_and_nothing_else(tmp_path: Path) -> None:
    for name in EXPERTS:
        pretrain_expert(name, QUICK, tmp_path / "deep" / "er")
    assert {path.name for path in (tmp_path / "deep" / "er").iterdir()} == {"exact.pt", "motion.pt"}


def test_a_crash_loses_few_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrain, "CHECKPOINT_EVERY", 2)

    def crash(now: Progress) -> None:
        if now.step == 5:
            raise SystemError("the machine went off")

    with pytest.raises(SystemError):
        pretrain_expert("exact", QUICK, tmp_path, crash)
    steps: list[int] = []
    pretrain_expert("exact", QUICK, tmp_path, lambda now: steps.append(now.step))
    assert steps == [5, 6]


def rates(monkeypatch: pytest.MonkeyPatch, folder: Path, config: PretrainConfig) -> np.ndarray:
    """The learning rate of every step."""
    found: list[float] = []

    def step(name: str, number: int, config: PretrainConfig, network: HandEncoder, optimizer: Any) -> Any:
        found.extend(group["lr"] for group in optimizer.param_groups)
        return 1.0, 0.5

    monkeypatch.setattr(pretrain, "_step", step)
    pretrain_expert("exact", config, folder)
    return np.array(found)


def test_the_learning_rate_warms_up_and_falls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(QUICK, steps=500, warm_up=50, learning_rate=0.01)
    found = rates(monkeypatch, tmp_path, config)
    assert len(found) == 500
    highest = int(found.argmax())
    assert 40 <= highest <= 55
    assert (np.diff(found[:highest]) > 0).all()
    assert (np.diff(found[highest:]) < 0).all()
    assert found[0] == pytest.approx(0.01 / 50, rel=0.01)
    assert 0.95 * 0.01 < found.max() <= 0.01
    assert found[-1] == pytest.approx(0.01 / 50, rel=0.02)
    assert found[250] == pytest.approx(0.01 * (0.02 + 0.98 / 2), rel=0.01)


def test_the_weights_that_are_kept_are_a_mean_over_steps(tmp_path: Path) -> None:
    network = pretrain_expert("exact", QUICK, tmp_path)
    saved = torch.load(tmp_path / "exact.pt", weights_only=True)
    assert_same(weights(network), saved["average"])
    assert differ(saved["network"], saved["average"])
    last = pretrain_expert("exact", replace(QUICK, averaging=1e-9), tmp_path / "last")
    assert_close = torch.testing.assert_close
    for name, value in saved["network"].items():  # without averaging the last ones are kept
        assert_close(last.state_dict()[name], value, rtol=1e-4, atol=1e-6)


def test_a_short_training_learns_to_tell_gestures_apart(tmp_path: Path) -> None:
    config = PretrainConfig(
        steps=60, tasks=2, gestures=8, takes=4, threads=1, warm_up=5, learning_rate=5e-3, encoder=SMALL
    )
    told: list[Progress] = []
    network = pretrain_expert("exact", config, tmp_path, told.append)
    assert told[-1].loss < told[0].loss - 0.2
    torch.manual_seed(0)
    shares = [nearest_right(encoder) for encoder in (HandEncoder(SMALL).eval(), network)]
    assert shares[1] > shares[0] + 0.05


def nearest_right(encoder: HandEncoder) -> float:
    """Share of performances of tasks never seen whose nearest one is of the same gesture."""
    tasks = [draw_gestures(np.random.default_rng([9, k]), 8) for k in range(10)]
    made = perform(tasks, 4, TorchDraws(1))
    with torch.no_grad():
        points = encoder(hand_features(made.landmarks[:, :, 0], TorchDraws(0).xp))
    return pretrain._nearest(points, made.gesture, made.task)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("steps", 0, "1 or more"),
        ("tasks", -1, "1 or more"),
        ("warm_up", 0, "1 or more"),
        ("threads", 0, "1 or more"),
        ("gestures", 1, "2 or more"),
        ("takes", 1, "2 or more"),
    ],
)
def test_a_recipe_refuses_nonsense_and_names_it(name: str, value: int, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} is {value}, expected {said}"):
        PretrainConfig(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [("learning_rate", 0.0), ("weight_decay", -1.0), ("temperature", 0.0), ("averaging", 1.0), ("seed", -1)],
)
def test_a_recipe_that_cannot_work_is_refused_and_named(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        PretrainConfig(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"), [("width", 0), ("width", 12), ("width", -8), ("embedding", 1), ("embedding", 0)]
)
def test_an_encoder_of_a_size_that_cannot_be_is_refused_and_named(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"^{name} is {value}, expected"):
        EncoderConfig(**{name: value})


def features(count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((count, CHANNELS, STEPS), generator=generator) * 0.6


def test_an_encoder_gives_unit_vectors_one_by_one_as_in_a_batch() -> None:
    torch.manual_seed(0)
    encoder = HandEncoder(SMALL).eval()
    with torch.no_grad():
        batch = encoder(features(7))
        assert batch.shape == (7, SMALL.embedding)
        torch.testing.assert_close(batch.norm(dim=1), torch.ones(7))
        for number in range(7):
            one = encoder(features(7)[number : number + 1])
            torch.testing.assert_close(one[0], batch[number], rtol=1e-4, atol=1e-5)


def test_where_in_time_something_happens_matters() -> None:
    torch.manual_seed(0)
    encoder = HandEncoder(SMALL).eval()
    with torch.no_grad():
        assert (encoder(features(5)) - encoder(features(5).flip(2))).norm(dim=1).min() > 1e-3


def test_experts_stand_side_by_side() -> None:
    torch.manual_seed(0)
    encoders = [HandEncoder(SMALL).eval(), HandEncoder(EncoderConfig(8, 4)).eval()]
    with torch.no_grad():
        points = Experts(encoders)(features(3))
        assert points.shape == (3, 12)
        torch.testing.assert_close(points[:, :8], encoders[0](features(3)))
        torch.testing.assert_close(points[:, 8:], encoders[1](features(3)))


def batch(
    seed: int, tasks: int = 2, gestures: int = 3, takes: int = 3, size: int = 8
) -> tuple[Tensor, Tensor, Tensor]:
    """Points anywhere, their gestures and their tasks."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn((tasks * gestures * takes, size), generator=generator)
    gesture = torch.arange(tasks * gestures).repeat_interleave(takes)
    return torch.nn.functional.normalize(points, dim=1), gesture, gesture // gestures


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), temperature=st.sampled_from([0.05, 0.1, 0.5]))
def test_the_loss_falls_as_the_same_gestures_move_together(seed: int, temperature: float) -> None:
    points, gesture, task = batch(seed)
    homes = torch.linalg.qr(torch.randn((8, 8), generator=torch.Generator().manual_seed(seed)))[0]
    losses = []
    for near in (0.0, 0.25, 0.5, 0.75, 1.0):
        moved = torch.nn.functional.normalize(points * (1 - near) + homes[gesture] * near, dim=1)
        losses.append(float(contrastive_loss(moved, gesture, task, temperature)))
    assert losses[0] > losses[2] > losses[3] > losses[4]
    assert losses[4] < np.log(8)  # of those of their task, less than by chance


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_loss_never_compares_across_tasks(seed: int) -> None:
    points, gesture, task = batch(seed)
    whole = contrastive_loss(points, gesture, task, 0.1)
    each = [contrastive_loss(points[task == k], gesture[task == k], task[task == k], 0.1) for k in (0, 1)]
    torch.testing.assert_close(whole, torch.stack(each).mean())
    onto = points.clone()
    onto[task == 1] = points[task == 0]  # the same places, whatever the other task has there
    alone = contrastive_loss(points[task == 0], gesture[task == 0], task[task == 0], 0.1)
    torch.testing.assert_close(contrastive_loss(onto, gesture, task, 0.1), alone)


def test_moving_one_task_pulls_at_no_point_of_another() -> None:
    points, gesture, task = batch(3)
    points.requires_grad_()
    own = task == 0
    similarity = contrastive_loss(points, gesture, task, 0.1)
    gradient = torch.autograd.grad(similarity, points, create_graph=True)[0]
    across = torch.autograd.grad(gradient[own].sum(), points)[0][~own]
    assert not across.any()
    assert gradient.abs().max() > 0


def test_the_loss_does_not_ask_in_which_order_performances_stand() -> None:
    points, gesture, task = batch(4)
    order = torch.randperm(len(points), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        contrastive_loss(points, gesture, task, 0.1),
        contrastive_loss(points[order], gesture[order], task[order], 0.1),
    )


class BorrowedDraws(TorchDraws):
    """Tensors of the very numbers that NumPy draws."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._numpy = NumpyDraws(seed)

    def normal(self, *shape: int) -> Tensor:
        return torch.from_numpy(np.asarray(self._numpy.normal(*shape)))

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        return torch.from_numpy(np.asarray(self._numpy.uniform(low, high, *shape)))


def tasks_of(count: int, gestures: int = 6, **shares: float) -> list[Gestures]:
    config = TableConfig(**shares)
    return [draw_gestures(np.random.default_rng([7, k]), gestures, config) for k in range(count)]


@pytest.mark.parametrize("hands", [1, 2])
def test_the_same_numbers_drawn_make_the_same_performances_in_numpy_and_torch(hands: int) -> None:
    tasks = tasks_of(3, any_pose=0.3, two_hands=0.5)
    for seed in range(3):
        one = perform(tasks, 3, NumpyDraws(seed), hands=hands)
        other = perform(tasks, 3, BorrowedDraws(seed), hands=hands)
        np.testing.assert_array_equal(one.gesture, other.gesture)
        np.testing.assert_array_equal(one.task, other.task)
        np.testing.assert_allclose(one.seconds, other.seconds, rtol=1e-4)
        far = np.abs(one.landmarks - other.landmarks.numpy()) > 1e-3  # NaN where there is no hand
        assert far.any(axis=(1, 2, 3, 4)).mean() < 0.05  # a frame may fall on this side of a step or on that


def summed_up(made: Performances) -> tuple[np.ndarray, np.ndarray]:
    """Each performance by a row of numbers: where its landmarks are, how they move, how long it lasts."""
    marks = np.asarray(made.landmarks)[:, :, 0].astype(np.float64)
    place = marks.mean(axis=1).reshape(len(marks), -1)
    motion = np.log(1e-3 + marks.std(axis=1)).reshape(len(marks), -1)
    jitter = np.log(1e-4 + np.abs(np.diff(marks, n=2, axis=1)).mean(axis=1)).reshape(len(marks), -1)
    rows = np.concatenate([place, motion, jitter, np.log(np.asarray(made.seconds, float))[:, None]], axis=1)
    return rows, rows.std(axis=0)


def test_numpy_and_torch_draw_the_same_kind_of_performances() -> None:
    tasks, config = tasks_of(10, 10), PerformanceConfig(one_user=0.0)
    (one, spread), (other, other_spread) = (
        summed_up(perform(tasks, 6, draws, config)) for draws in (NumpyDraws(1), TorchDraws(1))
    )
    assert one.shape == other.shape
    assert not np.allclose(one, other)
    apart = np.abs(one.mean(axis=0) - other.mean(axis=0)) / spread
    assert apart.max() < 0.2  # of the spread of single performances; by chance about 0.06
    assert (np.abs(np.log(spread / other_spread)) < 0.25).all()


def test_torch_draws_the_same_from_the_same_seed_and_other_numbers_from_another() -> None:
    one, again, other = (
        perform(tasks_of(1), 2, TorchDraws(seed), hands=2).landmarks[:, :, 0] for seed in (4, 4, 5)
    )
    torch.testing.assert_close(one, again, rtol=0, atol=0)
    assert (one != other).float().mean() > 0.9


def test_what_torch_draws_has_the_spread_that_it_says() -> None:
    draws = TorchDraws(0)
    normal, uniform = draws.normal(200, 100), draws.uniform(-3, 5, 200, 100)
    assert normal.dtype == uniform.dtype == torch.float32
    assert (float(normal.mean()), float(normal.std())) == pytest.approx((0, 1), abs=0.03)
    assert float(uniform.min()) >= -3
    assert float(uniform.max()) <= 5
    assert (float(uniform.mean()), float(uniform.std())) == pytest.approx((1, 8 / 12**0.5), abs=0.06)
    assert draws.uniform(0, 1).shape == ()


def test_drawing_leaves_torchs_own_chance_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    TorchDraws(5).normal(10)
    torch.testing.assert_close(torch.rand(3), expected)


def encoders(seed: int = 0, config: EncoderConfig = SMALL) -> list[HandEncoder]:
    torch.manual_seed(seed)
    return [HandEncoder(config).eval() for _ in EXPERTS]


def test_the_exported_file_gives_the_same_points_for_any_number_of_hands(tmp_path: Path) -> None:
    experts = Experts(encoders())
    export_encoders(experts, tmp_path / "e.onnx")
    network = OnnxEncoders(tmp_path / "e.onnx")
    for count in (1, 2, 40):
        with torch.no_grad():
            expected = experts(features(count, seed=count)).numpy()
        given_back = network(features(count, seed=count).numpy())
        assert given_back.shape == expected.shape
        assert np.abs(given_back - expected).max() <= PARITY


def test_the_exported_weights_take_half_the_room(tmp_path: Path) -> None:
    experts = Experts(encoders(config=EncoderConfig()))  # as they are shipped
    export_encoders(experts, tmp_path / "e.onnx")
    model = onnx.load(str(tmp_path / "e.onnx"))
    onnx.checker.check_model(model)
    large = [w for w in model.graph.initializer if np.prod(w.dims) >= 256]
    assert large
    assert {w.data_type for w in large} == {onnx.TensorProto.FLOAT16}
    numbers = sum(p.numel() for p in experts.parameters())
    assert (tmp_path / "e.onnx").stat().st_size < 0.53 * 4 * numbers


def test_an_export_that_differs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_encoders, "PARITY", 1e-9)  # less than halving the weights takes away
    with pytest.raises(TrainingError, match=r"e\.onnx differs from the encoders by \d\.\de-\d+ \(at most"):
        export_encoders(Experts(encoders()), tmp_path / "e.onnx")


def test_nan_is_no_parity(tmp_path: Path) -> None:
    broken = encoders()
    with torch.no_grad():
        broken[0].head.bias[0] = float("nan")
    with pytest.raises(TrainingError, match="differs"):
        export_encoders(Experts(broken), tmp_path / "e.onnx")


def test_both_files_are_written_and_the_card_says_how_large_they_are(tmp_path: Path) -> None:
    path = write_encoders(encoders(), tmp_path / "new", pretrain.card(PretrainConfig()) | {"by": "a test"})
    assert path == tmp_path / "new" / ENCODERS_FILE
    assert {file.name for file in path.parent.iterdir()} == {ENCODERS_FILE, CARD_FILE}
    card = read_card(path.parent)
    assert card["by"] == "a test"
    assert card["bytes"] == path.stat().st_size
    assert card["parameters"] == sum(p.numel() for encoder in encoders() for p in encoder.parameters())


@pytest.mark.parametrize("failing", ["export", "card"])
def test_the_old_files_stay_where_writing_new_ones_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    write_encoders(encoders(0), tmp_path, {"number": 1})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    card: dict[str, Any] = {"number": 2}
    if failing == "export":
        monkeypatch.setattr(package_encoders, "PARITY", 1e-9)
    else:
        card["number"] = object()  # cannot be written
    with pytest.raises((TrainingError, TypeError)):
        write_encoders(encoders(1), tmp_path, card)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_card_says_how_encoders_were_made_and_is_read_by_the_recognizer(tmp_path: Path) -> None:
    said = pretrain.card(QUICK, packaged_usual(), {"1": 0.5})
    write_encoders(encoders(), tmp_path, said)
    assert packaged_usual(tmp_path) == packaged_usual()
    card = json.loads((tmp_path / CARD_FILE).read_text())
    assert card["command"] == "handflow pretrain --seed 0 --steps 6"
    assert card["results"]["shots"] == {"1": 0.5}
    assert card["experts"] == {name: asdict(tables) for name, tables in EXPERTS.items()}
    assert card["recipe"]["encoder"] == {"width": 16, "embedding": 8}
    assert not {"threads", "device"} & set(card["recipe"])
    assert "--steps" not in pretrain.card(PretrainConfig())["command"]


@pytest.mark.parametrize("device", ["nothing", "cuda:99"])
def test_a_device_that_is_not_here_is_named(device: str) -> None:
    assert pretrain.check_device("cpu") == "cpu"
    with pytest.raises(TrainingError, match=f"'{device}' here .*name cpu"):
        pretrain.check_device(device)


def numbers_of(usual: Usual) -> np.ndarray:
    return np.concatenate([np.atleast_1d(value) for value in asdict(usual).values()])


def test_what_is_usual_is_finite_and_counts_the_distances_by_their_shares() -> None:
    usual = settle.settle(packaged_encoders(), tasks=2)
    assert len(usual.weights) == len(PARTS)
    assert np.isfinite(numbers_of(usual)).all()
    share = np.array(usual.weights[: len(settle.SHARES)]) / np.array(settle.SHARES)
    np.testing.assert_allclose(share, share[0], atol=2e-3)  # they are rounded
    assert 0.25 - 1e-3 <= share[0] <= 4 + 1e-3
    assert usual.steepness > 0


def test_the_seed_decides_what_is_found_usual() -> None:
    one, again, other = (settle.settle(packaged_encoders(), tasks=1, seed=seed) for seed in (3, 3, 4))
    assert one == again
    assert one != other


def test_untrained_encoders_can_be_settled_too(tmp_path: Path) -> None:
    export_encoders(Experts(encoders()), tmp_path / "e.onnx")
    assert np.isfinite(numbers_of(settle.settle(OnnxEncoders(tmp_path / "e.onnx"), tasks=1))).all()


def test_more_examples_tell_more_gestures() -> None:
    found = settle.measure(packaged_encoders(), packaged_usual(), tasks=4)
    assert list(found) == ["1", "3", "5"]
    assert 0.3 < found["1"] <= found["5"] <= 1
