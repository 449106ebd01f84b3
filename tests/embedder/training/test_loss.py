from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch; install kaodex[train]")

from embedder.training.loss import arcface, set_margin  # noqa: E402


def by_formula(encodings: np.ndarray, centres: np.ndarray, labels: np.ndarray, margin: float, scale: float) -> float:
    losses = []
    for encoding, label in zip(encodings, labels, strict=True):
        cosines = np.array(
            [encoding @ centre / np.linalg.norm(encoding) / np.linalg.norm(centre) for centre in centres]
        )
        logits = scale * cosines
        logits[label] = scale * math.cos(math.acos(cosines[label]) + margin)
        losses.append(math.log(np.exp(logits - logits[label]).sum()))
    return float(np.mean(losses))


@pytest.mark.parametrize("margin", [0.0, 0.3, 0.5])
def test_margin_is_in_radians(margin: float) -> None:
    torch.manual_seed(0)
    loss = arcface(5, 7, margin=margin, scale=10.0)
    encodings, labels = torch.randn(6, 7), torch.tensor([0, 1, 2, 3, 4, 0])
    expected = by_formula(encodings.numpy(), loss.W.detach().numpy().T, labels.numpy(), margin, 10.0)
    assert loss(encodings, labels).item() == pytest.approx(expected, rel=1e-4)
    set_margin(loss, 0.1)
    expected = by_formula(encodings.numpy(), loss.W.detach().numpy().T, labels.numpy(), 0.1, 10.0)
    assert loss(encodings, labels).item() == pytest.approx(expected, rel=1e-4)


def test_label_smoothing_reaches_the_loss() -> None:
    torch.manual_seed(0)
    plain, smooth = (arcface(5, 7, margin=0.3, scale=10.0, label_smoothing=amount) for amount in (0.0, 0.2))
    smooth.load_state_dict(plain.state_dict())
    encodings, labels = torch.randn(6, 7), torch.tensor([0, 1, 2, 3, 4, 0])
    assert plain(encodings, labels).item() != pytest.approx(smooth(encodings, labels).item())
