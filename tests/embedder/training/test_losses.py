from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch; install kaodex[train]")
pytest.importorskip("pytorch_metric_learning", reason="training needs it; install kaodex[train]")

from embedder.training.formulas import SUB_CENTRES  # noqa: E402
from embedder.training.losses import LOSSES, Objective  # noqa: E402
from embedder.training.miners import MINERS, make_miner  # noqa: E402

IDENTITIES, DIMENSION = 5, 7
LABELS = np.array([0, 0, 0, 1, 1, 2, 2, 2, 4])
CENTRED = ("arcface", "subcenter-arcface", "cosface", "normalized-softmax", "proxy-anchor")
PAIRED = tuple(name for name in LOSSES if name not in CENTRED)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def encodings(count: int = len(LABELS), seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, DIMENSION))).astype(np.float32)


def centres(objective: Objective) -> np.ndarray:
    """Unit class centres or proxies, (identities, sub-centres, dimension) in float64."""
    (weights,) = objective.parameters()
    rows = weights.detach().double().numpy()
    rows = rows if rows.shape[1] == DIMENSION and rows.shape[0] == IDENTITIES else rows.T
    return unit(rows.reshape(IDENTITIES, -1, DIMENSION))


def cross_entropy(logits: np.ndarray, smoothing: float = 0.0) -> float:
    losses = []
    for row, label in zip(logits, LABELS, strict=True):
        chances = np.exp(row) / np.exp(row).sum()
        wanted = np.full(len(row), smoothing / len(row))
        wanted[label] += 1 - smoothing
        losses.append(-(wanted * np.log(chances)).sum())
    return float(np.mean(losses))


def class_loss(objective: Objective, change: Callable[[float], float], scale: float, smoothing: float = 0.0) -> float:
    """Cross-entropy over scaled cosines, the own identity's changed; an identity is as near as its nearest centre."""
    cosines = np.einsum("nd,ikd->nik", encodings().astype(np.float64), centres(objective)).max(axis=2)
    for row, label in zip(cosines, LABELS, strict=True):
        row[label] = change(row[label])
    return cross_entropy(scale * cosines, smoothing)


def turned(cosine: float, margin: float) -> float:
    """cos(angle + margin), and the straight line that goes on where that would rise again."""
    angle = math.acos(cosine)
    return math.cos(angle + margin) if angle + margin <= math.pi else cosine - margin * math.sin(margin)


def proxy_anchor(objective: Objective, margin: float = 0.1, alpha: float = 6.0) -> float:
    cosines = encodings().astype(np.float64) @ centres(objective)[:, 0].T
    pulls = pushes = 0.0
    for proxy in range(IDENTITIES):
        is_own = np.equal(LABELS, proxy)
        own, others = cosines[is_own, proxy], cosines[~is_own, proxy]
        pulls += math.log(1 + np.exp(-alpha * (own - margin)).sum())
        pushes += math.log(1 + np.exp(alpha * (others + margin)).sum())
    return pulls / len(set(LABELS.tolist())) + pushes / IDENTITIES


def anchors() -> list[tuple[np.ndarray, np.ndarray]]:
    """Cosines of each anchor's positives and of its negatives."""
    rows = encodings().astype(np.float64)
    cosines = rows @ rows.T
    same = LABELS[:, None] == LABELS
    return [
        (cosines[place][same[place] & (np.arange(len(LABELS)) != place)], cosines[place][~same[place]])
        for place in range(len(LABELS))
    ]


def multi_similarity(mined: bool) -> float:
    total = 0.0
    for own, others in anchors():
        if mined:
            hard_own = own[own - 0.1 < others.max()]
            others = others[others + 0.1 > own.min()] if len(own) else others[:0]
            own = hard_own
        total += math.log(1 + np.exp(-2 * (own - 0.5)).sum()) / 2
        total += math.log(1 + np.exp(50 * (others - 0.5)).sum()) / 50
    return total / len(LABELS)


def triplets(choose: Callable[[np.ndarray, np.ndarray], list[tuple[float, float]]], margin: float = 0.1) -> float:
    """Mean over the triplets that are not at rest."""
    chosen = [pair for own, others in anchors() if len(own) for pair in choose(own, others)]
    losses = [other - own + margin for own, other in chosen]
    return float(np.mean([loss for loss in losses if loss > 0]))


def easy_positive(own: np.ndarray, others: np.ndarray) -> list[tuple[float, float]]:
    beyond = others[others < own.max()]
    return [(own.max(), beyond.max())] if len(beyond) else []


def supcon(temperature: float = 0.1) -> float:
    losses = []
    for own, others in anchors():
        if len(own):
            bottom = np.exp(np.concatenate([own, others]) / temperature).sum()
            losses.append(-np.mean(np.log(np.exp(own / temperature) / bottom)))
    return float(np.mean(losses))


def circle(margin: float = 0.25, gamma: float = 128.0) -> float:
    """Mean over the anchors that have a positive."""
    losses = []
    for own, others in anchors():
        if len(own):
            pulls = -gamma * np.maximum(1 + margin - own, 0) * (own - 1 + margin)
            pushes = gamma * np.maximum(others + margin, 0) * (others - margin)
            losses.append(math.log1p(np.exp(pulls).sum() * np.exp(pushes).sum()))
    return float(np.mean(losses))


FORMULAS: dict[str, tuple[str, dict, Callable[[Objective], float]]] = {
    "arcface": ("arcface", {}, lambda it: class_loss(it, lambda c: turned(c, 0.3), 24)),
    "arcface set": (
        "arcface",
        {"margin": 1.2, "scale": 9.0, "label_smoothing": 0.2},
        lambda it: class_loss(it, lambda c: turned(c, 1.2), 9, 0.2),
    ),
    "subcenter-arcface": ("subcenter-arcface", {}, lambda it: class_loss(it, lambda c: turned(c, 0.3), 24)),
    "cosface": ("cosface", {}, lambda it: class_loss(it, lambda c: c - 0.25, 24)),
    "cosface set": (
        "cosface",
        {"margin": 0.4, "scale": 7.0, "label_smoothing": 0.1},
        lambda it: class_loss(it, lambda c: c - 0.4, 7, 0.1),
    ),
    "normalized-softmax": ("normalized-softmax", {}, lambda it: class_loss(it, lambda c: c, 20)),
    "proxy-anchor": ("proxy-anchor", {}, proxy_anchor),
    "proxy-anchor set": ("proxy-anchor", {"margin": 0.3, "scale": 32.0}, lambda it: proxy_anchor(it, 0.3, 32.0)),
    "multi-similarity": ("multi-similarity", {}, lambda it: multi_similarity(mined=True)),
    "multi-similarity of all": ("multi-similarity", {"miner": "none"}, lambda it: multi_similarity(mined=False)),
    "triplet": ("triplet", {}, lambda it: triplets(lambda own, others: [(own.min(), others.max())])),
    "triplet easy": ("triplet", {"miner": "easy-positive", "margin": 0.4}, lambda it: triplets(easy_positive, 0.4)),
    "triplet of all": (
        "triplet",
        {"miner": "none", "margin": 0.2},
        lambda it: triplets(lambda own, others: [(one, other) for one in own for other in others], 0.2),
    ),
    "supcon": ("supcon", {}, lambda it: supcon()),
    "circle": ("circle", {}, lambda it: circle()),
    "circle set": ("circle", {"margin": 0.4, "scale": 80.0}, lambda it: circle(0.4, 80.0)),
}


def made(name: str, **settings: object) -> Objective:
    torch.manual_seed(3)
    return Objective(name, IDENTITIES, DIMENSION, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("case", FORMULAS)
def test_it_is_its_papers_formula(case: str) -> None:
    name, settings, formula = FORMULAS[case]
    objective = made(name, **settings)
    value = objective(torch.from_numpy(encodings()), torch.from_numpy(LABELS)).item()
    assert value == pytest.approx(formula(objective), rel=1e-4)
    assert value > 0.01


def test_no_loss_is_without_a_formula() -> None:
    assert {name for name, _, _ in FORMULAS.values()} == set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_finite_and_reach_everything(name: str) -> None:
    objective = made(name)
    rows = torch.from_numpy(encodings()).requires_grad_()
    objective(rows, torch.from_numpy(LABELS)).backward()
    for tensor in (rows, *objective.parameters()):
        assert tensor.grad is not None
        assert torch.isfinite(tensor.grad).all()
        assert tensor.grad.abs().sum() > 0
    assert bool(list(objective.parameters())) == (name in CENTRED)


@pytest.mark.parametrize("name", LOSSES)
def test_one_picture_each_has_a_finite_gradient(name: str) -> None:
    rows = torch.from_numpy(encodings(IDENTITIES)).requires_grad_()
    loss = made(name)(rows, torch.arange(IDENTITIES))
    loss.backward()
    assert torch.isfinite(loss)
    assert rows.grad is not None
    assert torch.isfinite(rows.grad).all()
    if name in PAIRED:
        assert loss.item() == 0
        assert not rows.grad.any()


@pytest.mark.parametrize("name", LOSSES)
def test_equal_and_opposite_encodings_have_a_finite_gradient(name: str) -> None:
    objective = made(name)
    (one,) = torch.from_numpy(encodings(1))
    rows = torch.stack([one, one, -one, one]).requires_grad_()
    objective.place_centres(one.repeat(IDENTITIES, 1), torch.ones(IDENTITIES, dtype=torch.bool))
    loss = objective(rows, torch.tensor([0, 0, 0, 1]))
    loss.backward()
    assert torch.isfinite(loss)
    assert rows.grad is not None
    assert torch.isfinite(rows.grad).all()
    assert all(torch.isfinite(weight.grad).all() for weight in objective.parameters() if weight.grad is not None)


@pytest.mark.parametrize("name", LOSSES)
def test_autocast_changes_nothing(name: str) -> None:
    objective, rows, labels = made(name), torch.from_numpy(encodings()), torch.from_numpy(LABELS)
    plain = objective(rows, labels)
    with torch.autocast("cpu", torch.bfloat16):
        cast = objective(rows, labels)
    assert cast.dtype == torch.float32
    assert cast.item() == plain.item()


@pytest.mark.parametrize("name", LOSSES)
def test_the_seed_decides(name: str) -> None:
    one, other = made(name), made(name)
    rows, labels = torch.from_numpy(encodings()), torch.from_numpy(LABELS)
    assert one(rows, labels).item() == other(rows, labels).item()


@pytest.mark.parametrize("name", ["arcface", "subcenter-arcface", "cosface", "proxy-anchor"])
def test_the_margin_ramps_up(name: str) -> None:
    full, rows, labels = made(name, margin=0.4), torch.from_numpy(encodings()), torch.from_numpy(LABELS)
    values = []
    for share in (0.0, 0.25, 1.0):
        full.set_margin_share(share)
        values.append(full(rows, labels).item())
        assert values[-1] == pytest.approx(made(name, margin=0.4 * share)(rows, labels).item(), rel=1e-6)
    assert values[0] < values[1] < values[2]
    with pytest.raises(ValueError, match=r"from 0 to 1, but is 1\.5"):
        full.set_margin_share(1.5)


@pytest.mark.parametrize("name", ["multi-similarity", "triplet", "supcon", "circle", "normalized-softmax"])
def test_where_no_margin_makes_it_harder_nothing_ramps(name: str) -> None:
    objective, rows, labels = made(name), torch.from_numpy(encodings()), torch.from_numpy(LABELS)
    before = objective(rows, labels).item()
    objective.set_margin_share(0.0)
    assert objective(rows, labels).item() == before


@pytest.mark.parametrize("name", CENTRED)
def test_a_warm_start_turns_the_weights_of_those_seen(name: str) -> None:
    objective, wanted = made(name), encodings(IDENTITIES, seed=5)
    wanted[4] = 0  # says nothing, even if it is said to be seen
    (weights,) = objective.parameters()
    axis = 1 if weights.shape[1] == DIMENSION else 0
    lengths, before = weights.detach().norm(dim=axis), centres(objective)
    seen = torch.tensor([True, False, True, True, True])
    objective.place_centres(torch.from_numpy(wanted) * 3, seen)
    torch.testing.assert_close(weights.detach().norm(dim=axis), lengths)
    after = centres(objective)
    np.testing.assert_allclose(after[[1, 4]], before[[1, 4]], atol=1e-6)
    cosines = np.einsum("ikd,id->ik", after, wanted)[[0, 2, 3]]
    assert cosines.shape[1] == (SUB_CENTRES if name == "subcenter-arcface" else 1)
    if name == "subcenter-arcface":
        assert (cosines > 0.94).all()
        assert all(np.unique(row.round(6)).size == SUB_CENTRES for row in cosines)
    else:
        np.testing.assert_allclose(cosines, 1, atol=1e-6)


@pytest.mark.parametrize("name", PAIRED)
def test_a_warm_start_of_a_pair_loss_is_nothing(name: str) -> None:
    objective = made(name)
    objective.place_centres(torch.from_numpy(encodings(IDENTITIES)), torch.ones(IDENTITIES, dtype=torch.bool))
    assert not list(objective.parameters())


def test_pairs_need_pictures() -> None:
    assert {name: made(name).pictures_per_identity for name in LOSSES} == {
        name: 1 if name in CENTRED else 4 for name in LOSSES
    }


@pytest.mark.parametrize("name", ["arcface", "proxy-anchor", "triplet"])
def test_the_state_comes_back(name: str) -> None:
    objective, other = made(name), Objective(name, IDENTITIES, DIMENSION)
    other.load_state_dict(objective.state_dict())
    rows, labels = torch.from_numpy(encodings()), torch.from_numpy(LABELS)
    assert other(rows, labels).item() == objective(rows, labels).item()


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("arcfaec", {}, "no loss is called 'arcfaec'; choose one of arcface, "),
        ("arcface", {"margin": 28.6}, "in radians, from 0 to below pi/2, but is 28.6"),
        ("cosface", {"margin": -0.1}, "in cosine, from 0 to below 1, but is -0.1"),
        ("supcon", {"margin": 0.1}, "supcon has no margin"),
        ("triplet", {"scale": 3.0}, "triplet has no scale"),
        ("circle", {"scale": 0.0}, "scale of circle must be above 0, but is 0"),
        ("arcface", {"label_smoothing": 1.0}, "from 0 to below 1, but is 1"),
        ("proxy-anchor", {"label_smoothing": 0.1}, "proxy-anchor has no labels to smooth.* arcface"),
        ("arcface", {"miner": "batch-hard"}, "arcface does not go with the miner 'batch-hard', only with none"),
        ("triplet", {"miner": "hardest"}, "no miner is called 'hardest'; choose one of none, "),
    ],
)
def test_what_a_loss_does_not_have(name: str, settings: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        made(name, **settings)


def test_every_miner_has_a_loss() -> None:
    assert make_miner("none") is None
    for miner in MINERS:
        assert made("triplet" if miner != "multi-similarity" else "circle", miner=miner)


def rank_1(network: torch.nn.Linear, points: torch.Tensor, labels: torch.Tensor) -> float:
    rows = torch.nn.functional.normalize(network(points).detach())
    cosines = (rows @ rows.T).fill_diagonal_(-2)
    return float((labels[cosines.argmax(dim=1)] == labels).float().mean())


@pytest.mark.parametrize("name", LOSSES)
def test_it_learns_to_tell_strangers_apart(name: str) -> None:
    """8 of 32 dimensions tell identities apart, the others are louder; 30 identities to learn from, 30 to judge."""
    torch.manual_seed(0)
    labels = torch.arange(60).repeat_interleave(8)
    points = torch.cat([torch.randn(60, 8)[labels] + 0.2 * torch.randn(480, 8), 1.5 * torch.randn(480, 24)], dim=1)
    strangers = labels >= 30
    network, objective = torch.nn.Linear(32, 16, bias=False), Objective(name, 30, 16)
    before = rank_1(network, points[strangers], labels[strangers])
    optimiser = torch.optim.AdamW([*network.parameters(), *objective.parameters()], lr=1e-2)
    together = objective.pictures_per_identity
    for step in range(150):
        objective.set_margin_share(min(1.0, step / 30))
        chosen = torch.randint(30, (64 // together, 1)) * 8 + torch.rand(64 // together, 8).argsort()[:, :together]
        chosen = chosen.reshape(-1)
        loss = objective(torch.nn.functional.normalize(network(points[chosen])), labels[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    after = rank_1(network, points[strangers], labels[strangers])
    assert before < 0.3
    assert after > 0.5, f"{name}: {before:.2f} became {after:.2f}"
