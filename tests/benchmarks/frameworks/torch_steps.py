"""PyTorch by hand, as its users write it: a module, autograd, the fused optimizers."""

import timing

timing.one_core()

import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

FEW = 10  # steps, to choose a memory format by

torch.set_num_threads(1)
torch.set_num_interop_threads(1)


class Model(nn.Module):
    """A model that returns logits and the outputs of its hidden layers."""

    def __init__(self, net: timing.Net) -> None:
        super().__init__()
        self.net = net
        arrays = iter(net.weights())
        self.convolutions, self.dense = nn.ModuleList(), nn.ModuleList()
        for shape in net.kernels():
            kernel, bias = (torch.from_numpy(next(arrays)) for _ in range(2))
            if len(shape) == 4:
                layer: Any = nn.Conv2d(shape[2], shape[3], 3, padding=1)
                kernel = kernel.permute(3, 2, 0, 1)
                self.convolutions.append(layer)
            else:
                layer = nn.Linear(*shape)
                kernel = kernel.T
                self.dense.append(layer)
            with torch.no_grad():
                layer.weight.copy_(kernel)
                layer.bias.copy_(bias)

    def forward(self, x: Any) -> tuple[Any, list[Any]]:
        net, hidden = self.net, []
        for layer in self.convolutions:
            x = functional.max_pool2d(functional.relu(layer(x)), 2)
        if net.dropout:
            x = functional.dropout(x, net.dropout)
        x = x.flatten(1)
        *layers, last = self.dense
        for layer in layers:
            x = torch.sigmoid(layer(x)) if net.sigmoid else functional.relu(layer(x))
            hidden.append(x)
            if net.dropout:
                x = functional.dropout(x, net.dropout)
        return last(x), hidden


class Training:
    """A net with its data."""

    def __init__(self, net: timing.Net, *, channels_last: bool, compiled: bool = False) -> None:
        self.net = net
        images, labels = net.data()
        self.images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
        self.targets = torch.from_numpy(labels if net.classes else (labels / 5).astype(np.float32)[:, None])
        self.model = Model(net)
        if channels_last:
            self.images = self.images.to(memory_format=torch.channels_last)
            self.model.to(memory_format=torch.channels_last)
        weights = self.model.parameters()
        if net.optimizer == "adam":
            self.optimizer: Any = torch.optim.Adam(weights, lr=0.001, eps=1e-7, fused=True)
        else:
            self.optimizer = torch.optim.SGD(weights, lr=0.1, momentum=0.9, fused=True)
        self.loss: Callable[[Any, Any], tuple[Any, Any]] = torch.compile(self._loss) if compiled else self._loss

    def _loss(self, images: Any, targets: Any) -> tuple[Any, Any]:
        """Return the loss and the number of correct images."""
        net = self.net
        found, hidden = self.model(images)
        if not net.classes:
            return functional.mse_loss(found, targets), torch.zeros((), dtype=torch.int64)
        loss = functional.cross_entropy(found, targets)
        if net.l2:
            outputs = [*hidden, found.softmax(1)]
            squares = [weight.square().sum() for weight in self.model.parameters()]
            loss = loss + net.l2 * (sum(squares) + sum(x.square().sum() for x in outputs) / net.batch)
        return loss, (found.argmax(1) == targets).sum()

    def order(self, epoch: int) -> tuple[Any, ...]:
        """Return the images of each step of an epoch."""
        return torch.from_numpy(timing.order(self.net, epoch)).split(self.net.batch)

    def take(self, steps: tuple[Any, ...]) -> None:
        """Run some steps."""
        total, right = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        for chosen in steps:
            self.optimizer.zero_grad()
            loss, correct = self.loss(self.images[chosen], self.targets[chosen])
            loss.backward()
            self.optimizer.step()
            total += loss.detach()
            right += correct
        assert total.item() / len(steps) < 100, "the training has diverged"


def loop(net: timing.Net, clock: timing.Clock, *, compiled: bool = False) -> None:
    """Epoch after epoch, in the memory format that is faster for the net."""
    formats = [False, True] if net.filters else [False]
    last = min(formats, key=lambda last: _seconds(Training(net, channels_last=last)))
    training, epoch = Training(net, channels_last=last, compiled=compiled), 1
    while True:
        training.take(training.order(epoch))
        if not clock.lap():
            return
        epoch += 1


def _seconds(training: Training) -> float:
    """Of a few steps, after as many to warm up."""
    seconds = 0.0
    for _ in range(2):
        began = time.perf_counter()
        training.take(training.order(0)[:FEW])
        seconds = time.perf_counter() - began
    return seconds


def loop_compiled(net: timing.Net, clock: timing.Clock) -> None:
    """Run `loop` with the forward and backward pass compiled by `torch.compile`."""
    loop(net, clock, compiled=True)


timing.main({"loop": loop, "compiled": loop_compiled}, f"torch {torch.__version__}")
