"""One forward pass recorded as a CUDA graph: the CPU no longer launches its thousand kernels one by one."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from spark.encoding.network import Forward

WARM_UP = 3
"""Passes before recording, so that libraries have chosen their kernels and taken their workspaces."""


class Graph:
    """A recorded pass of one batch size.

    Source: PyTorch, "CUDA semantics", section "CUDA graphs".
    """

    def __init__(self, forward: "Forward", *, batch: int, chip_shape: tuple[int, int, int], device: str) -> None:
        """Record.

        Raises:
            RuntimeError: Something in the pass cannot be recorded, or memory is short.
        """
        import torch

        self.batch = batch
        self._inputs = tuple(torch.zeros((batch, *shape), device=device) for shape in (chip_shape, (4,), (4,)))
        with torch.cuda.device(device), torch.inference_mode():
            side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(WARM_UP):
                    forward(*self._inputs)
            torch.cuda.current_stream().wait_stream(side)
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._vectors = forward(*self._inputs)

    def __call__(self, dn: "torch.Tensor", time: "torch.Tensor", latlon: "torch.Tensor") -> "torch.Tensor":
        """Vectors of `batch` chips; dn may be uint16, it is converted while it is copied."""
        for held, given in zip(self._inputs, (dn, time, latlon), strict=True):
            held.copy_(given)
        self._graph.replay()
        return self._vectors.clone()
