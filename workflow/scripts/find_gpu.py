"""Find the GPU of a job, and compute on it."""

from pathlib import Path

from calotype.training.find_gpu import find_gpu
from calotype.util.entry_point import script
from calotype.util.files import write_text

with script(snakemake.log[0]):
    write_text("\n".join(find_gpu()) + "\n", Path(snakemake.output[0]))
