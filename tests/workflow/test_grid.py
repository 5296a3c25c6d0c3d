"""A study with a grid has tables and figures of its settings; any variant's figures are plotted on request."""

RATES = {"optimizer.learning_rate": [0.001, 0.002], "batch_size": [16, 32]}


def test_only_a_study_with_a_grid_has_jobs_for_one(fresh):
    before = fresh.plan("dots")
    assert "grid" not in before
    study = fresh.study()
    study["variants"] = {"source": study["variants"]["source"] | {"grid": RATES}}
    fresh.write_study(study | {"claims": []})
    plan = fresh.plan("dots")
    assert (plan["grid"], plan["figures_count_grid_several_settings"]) == (1, 1)
    assert "results/dots/figures/grid-pairs.pdf" in fresh.run("-n", "--quiet", "rules", "--summary", "dots")
    assert fresh.plan("results/dots/effects.csv").keys() == before.keys() - {
        "claims",
        "figures_count",
        "report",
        "dots",
    } | {"grid"}


def test_a_figure_of_one_variant_is_plotted_on_request_without_any_other_job(finished):
    files = ["accurate/training-curves.pdf", "source/most-confident-errors.svg"]
    targets = [f"results/dots/figures/{file}" for file in files]
    assert finished.plan(*targets) == {"figures_count_of_variant": 2}
    finished.run(*targets)
    assert all((finished.folder / target).stat().st_size for target in targets)
    assert finished.plan() == {}
