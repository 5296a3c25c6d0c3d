"""The watch over Slurm jobs is installed into the version of the plugin that it fits, and into no other."""

import snakemake_executor_plugin_slurm as plugin

from calotype.jobs import slurm_executor


def test_the_installed_plugin_fits_and_another_one_is_noticed():
    assert slurm_executor.fits(plugin.Executor)
    assert not slurm_executor.fits(type("Renamed", (), {}))
    renamed = {"run_job": lambda self, job: self.submit(job)}
    assert not slurm_executor.fits(type("Other", (plugin.Executor,), renamed))


def test_what_the_watch_overrides_exists_in_the_plugin():
    own = {name for name, value in vars(slurm_executor.Watch).items() if callable(value) and not name.startswith("_")}
    assert own <= {*dir(plugin.Executor)}
