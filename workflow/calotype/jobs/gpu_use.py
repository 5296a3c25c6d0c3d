"""Measure the use of this process's GPU by NVML, NVIDIA's own library; without a GPU there is nothing to measure."""

import importlib
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

MIB = 2**20


class GpuUse:
    """The use of one GPU since the first sample: that of this process, or else the first visible one."""

    def __init__(self) -> None:
        self._busy: list[int] = []  # percent of the time before each sample
        self._memory = 0  # bytes
        self._energy: int | None = None  # mJ
        self._device: Any = None
        try:
            self._nvml: Any = importlib.import_module("pynvml")  # only envs/gpu.txt has it
            self._nvml.nvmlInit()
        except Exception:  # nvidia-ml-py is not installed, or there is no driver
            self._nvml = None
            return
        with suppress(self._nvml.NVMLError):
            self._device = _visible(self._nvml)
            self._energy = self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._device)

    def sample(self) -> None:
        """Measure once; a GPU may not tell all values."""
        if self._device is None:
            return
        with suppress(self._nvml.NVMLError):
            self._memory = max(self._memory, self._own_memory())
        with suppress(self._nvml.NVMLError):
            self._busy.append(self._nvml.nvmlDeviceGetUtilizationRates(self._device).gpu)

    def _own_memory(self) -> int:
        """Return the bytes of this process on its GPU; those of all processes if NVML does not name them."""
        for device in [self._device, *_all(self._nvml)]:
            for process in self._nvml.nvmlDeviceGetComputeRunningProcesses(device):
                if process.pid == os.getpid() and process.usedGpuMemory is not None:
                    if device is not self._device:
                        self._device = device
                        self._energy = self._nvml.nvmlDeviceGetTotalEnergyConsumption(device)
                    return int(process.usedGpuMemory)
        return int(self._nvml.nvmlDeviceGetMemoryInfo(self._device).used)

    def record(self) -> dict[str, Any]:
        """Return what is known: name, mean use in percent, peak memory in MiB, and energy in J of the whole GPU."""
        found: dict[str, Any] = {}
        if self._device is None:
            return found
        with suppress(self._nvml.NVMLError):
            found["name"] = str(self._nvml.nvmlDeviceGetName(self._device))
        if self._busy:
            found["busy_percent"] = round(sum(self._busy) / len(self._busy), 1)
        if self._memory:
            found["memory_mib"] = self._memory // MIB
        with suppress(self._nvml.NVMLError):
            if self._energy is not None:
                now = self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._device)
                found["energy_joules"] = round((now - self._energy) / 1000)
        return found


def _visible(nvml: Any) -> Any:
    """Return the first GPU that CUDA shows to this process."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip()
    if chosen.isdigit():
        return nvml.nvmlDeviceGetHandleByIndex(int(chosen))
    if chosen.startswith(("GPU-", "MIG-")):
        return nvml.nvmlDeviceGetHandleByUUID(chosen)
    return None  # "" or -1 hides all


def _all(nvml: Any) -> Iterator[Any]:
    for number in range(nvml.nvmlDeviceGetCount()):
        with suppress(nvml.NVMLError):  # a GPU of another job
            yield nvml.nvmlDeviceGetHandleByIndex(number)
