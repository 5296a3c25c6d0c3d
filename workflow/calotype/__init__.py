"""The calotype library: plain Python that knows nothing of Snakemake."""
