"""The proposed lines of the Slurm profile, the page that shows them, and the profile that contains them."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from calotype.jobs import cluster
from calotype.planning.cluster_findings import file_system_of, findings
from calotype.planning.cluster_limits import text as as_name
from calotype.planning.cluster_page import page
from calotype.planning.cluster_profile import check_new, with_lines, write_profile
from calotype.planning.cluster_proposal import propose
from calotype.util.errors import CalotypeError

SOURCE = Path(__file__).parents[3] / "slurm/config.yaml"
PROFILE = SOURCE.read_text(encoding="utf-8")
SHIPPED = yaml.safe_load(PROFILE)


def proposed() -> dict:
    """Return the profile with the proposed lines."""
    return yaml.safe_load(with_lines(PROFILE, propose(cluster.read(), SHIPPED).lines))


def shown() -> str:
    """Return the page."""
    found = cluster.read()
    proposal = propose(found, SHIPPED)
    return "\n".join(page(found, proposal, findings(found, proposal)))


def words(text: str) -> str:
    """Return the words of a page without line breaks and comment signs."""
    return " ".join(text.replace("# ", "").split())


def test_time_memory_and_jobs_stay_below_the_limits_of_the_partition(rich):
    profile = proposed()
    assert profile["default-resources"]["slurm_partition"] == "cpu", "the default one allows half an hour"
    assert profile["default-resources"]["mem_mb"] == "min(1000 * 2 ** (attempt - 1), 8000)"
    train = profile["set-resources"]["train"]
    assert (train["slurm_partition"], train["gres"]) == ("gpu", "gpu:1")
    assert (train["runtime"], train["mem_mb"]) == (
        "min(60 * attempt, 90)",
        "min((2000 + 2000 * threads) * 2 ** (attempt - 1), 16000)",
    )
    assert profile["set-resources"]["predict"]["runtime"] == "min(20 * attempt, 80)", "four attempts fit"
    assert profile["jobs"] == 20
    assert len(rich.asked) <= 10, "questions to Slurm"


def test_two_hours_are_too_short_for_a_hundred_splits_in_one_job(rich):
    rich.partition("cpu", MaxTime="02:00:00")
    assert proposed()["group-components"] == ["data=3"]


def test_everything_else_of_the_profile_stays(rich):
    written = with_lines(PROFILE, propose(cluster.read(), SHIPPED).lines)
    changed = {"slurm_partition", "mem_mb", "runtime", "jobs", "data"}
    kept = [line for line in PROFILE.splitlines() if line not in written.splitlines()]
    assert {re.findall(r"[a-z_]+", line)[0] for line in kept} <= changed
    assert [*proposed()] == [*SHIPPED]
    assert rich.asked


def test_each_change_has_its_reason_above_it(rich):
    before, after = PROFILE.splitlines(), with_lines(PROFILE, propose(cluster.read(), SHIPPED).lines).splitlines()
    new = [number for number, line in enumerate(after) if line not in before and not line.lstrip().startswith("#")]
    assert len(new) > 3
    for number in new:
        assert after[number - 1].lstrip().startswith("# "), after[number]
        assert after[number - 1] not in before, after[number]
    assert rich.asked


def test_a_qos_that_a_partition_asks_for_reaches_the_jobs_that_use_it(rich):
    rich.partition("gpu", State="DOWN")
    rich.partition("secret", State="DRAIN")
    profile = proposed()
    assert profile["set-resources"]["train"]["slurm_partition"] == "gpu-long"
    assert profile["set-resources"]["train"]["qos"] == "long"
    assert "qos" not in profile["default-resources"]


def test_an_account_of_the_short_rules_does_not_reach_the_gpu_jobs_of_another(rich):
    rich.partition("cpu", AllowAccounts="other")
    profile = proposed()
    assert profile["default-resources"]["slurm_account"] == "other"
    assert profile["set-resources"]["find_gpu"]["slurm_account"] == "lab"


def test_a_user_without_a_default_account_gets_one_that_is_named(rich):
    rich.edit("user", "||lab|", "|||")
    assert proposed()["default-resources"]["slurm_account"] == "other"
    assert "You have no default account; you may also use lab, root." in words(shown())


def test_a_cluster_without_gpus_trains_on_cpu_nodes(bare):
    bare.edit("nodes", "gpu:a100:2", "(null)")
    train = proposed()["set-resources"]["train"]
    assert train.keys() & {"slurm_partition", "gres"} == set()
    assert "gres: No partition that you may use has GPUs: training runs on CPU nodes." in words(shown())
    assert "gpu: also for training and prediction, as no partition for you has GPUs" in shown()


def test_short_rules_take_no_gpu_nodes_if_others_have_time(bare):
    profile = proposed()
    assert profile["default-resources"]["slurm_partition"] == "cpu"
    assert profile["default-resources"]["mem_mb"] == 0, "its nodes declare no memory, and refuse every request"
    assert profile["set-resources"]["catalogue"]["runtime"] == "min(30 * attempt, 45)"
    assert profile["set-resources"]["draw"]["runtime"] == "3 * attempt"
    assert len(bare.asked) <= 10


def test_a_large_node_gives_a_job_its_share_of_the_memory(bare):
    bare.edit("nodes", "gpu|2|idle|8|16000|gpu:a100:2", "gpu|2|idle|64|512000|gpu:a100:4(S:0-1)")
    assert proposed()["set-resources"]["train"]["mem_mb"] == "min((2000 + 2000 * threads) * 2 ** (attempt - 1), 128000)"


def test_a_refusal_of_sbatch_is_shown_with_what_to_do(rich):
    rich.answer("allocation failure: Invalid account or account/partition combination specified\n", 1)
    text = words(shown())
    assert "`sbatch` refuses it: allocation failure: Invalid account or account/partition combination" in text
    assert "Hint: set `slurm_account` in the profile" in text


def test_gpus_that_are_free_within_an_hour_are_preferred_to_those_of_next_week(rich):
    rich.start("gpu", "2999-01-01T10:30:00")
    assert proposed()["set-resources"]["train"]["slurm_partition"] == "secret"
    assert "gpu: 4 GPUs; would start on 1 Jan at 10:30" in shown()
    rich.answer("allocation failure: Access/permission denied\n", 1)
    assert proposed()["set-resources"]["train"]["slurm_partition"] == "gpu", "all are refused: the largest one"


def test_the_page_fits_a_terminal_and_names_every_partition(rich):
    text = shown()
    assert max(map(len, text.splitlines())) <= 80
    for name in ("short", "cpu", "endless", "gpu-long", "chem", "staff", "secret", "empty", "closed", "resv", "adm"):
        assert re.search(rf"^[ *] +{name}\b", text, re.MULTILINE), name
    assert "1/2 up" in text
    assert "2 x a100 or 2 x t4 (8 shards)\n" in text
    assert rich.asked


def test_a_user_with_no_usable_partition_reads_the_reasons_and_no_profile_is_written(bare, tmp_path):
    bare.edit("nodes", "idle", "down")
    assert "cpu, gpu, urgent: all its nodes are down or drained" in shown()
    assert "No partition starts a job of yours now." in shown()
    with pytest.raises(CalotypeError, match="no partition starts your jobs"):
        write_profile(tmp_path / "mine", SOURCE, propose(cluster.read(), SHIPPED).lines)
    assert not (tmp_path / "mine").exists()


def test_a_profile_for_a_module_names_its_rules_with_their_prefix(rich, tmp_path):
    file = write_profile(tmp_path / "mine", SOURCE, propose(cluster.read(), SHIPPED).lines, prefix="calotype_")
    written = yaml.safe_load(file.read_text(encoding="utf-8"))
    for section in ("set-resources", "set-threads"):
        assert [*written[section]] == [f"calotype_{name}" for name in SHIPPED[section]]
    assert [*written["default-resources"]] == [*proposed()["default-resources"]]
    assert rich.asked


def test_a_profile_that_its_user_has_edited_keeps_its_other_form_of_a_request(rich):
    text = PROFILE.replace("    gres: gpu:1\n", "").replace("    # gpu: 1\n", "    gpu: 1\n")
    text = text.replace("    slurm_partition: gpu\n", "").replace("  # slurm_partition: short\n", "")
    after = yaml.safe_load(with_lines(text, propose(cluster.read(), yaml.safe_load(text)).lines))
    found = after["set-resources"]["train"]
    assert (found["slurm_partition"], found["gpu"], "gres" in found) == ("gpu", 1, False)
    assert found["mem_mb"].endswith(", 16000)"), "the limit of the partition with GPUs"
    assert after["default-resources"]["slurm_partition"] == "cpu"
    assert rich.asked


@pytest.mark.parametrize("section", ["set-resources", "group-components", "jobs"])
def test_a_profile_without_a_section_is_named(rich, section):
    profile = {key: value for key, value in SHIPPED.items() if key != section}
    with pytest.raises(CalotypeError, match=rf"^slurm/config.yaml: {section}: missing"):
        propose(cluster.read(), profile)
    assert rich.asked


def test_a_script_of_the_profile_is_copied_and_calls_the_new_profile(rich, tmp_path):
    source, folder = tmp_path / "slurm/config.yaml", tmp_path / "mine"
    source.parent.mkdir()
    source.write_text(PROFILE, encoding="utf-8")
    shutil.copy2(SOURCE.with_name("head.sh"), source.parent)
    rich.partition("cpu", MaxTime="10:00:00")
    proposal = propose(cluster.read(), SHIPPED)
    write_profile(folder, source, proposal.lines, proposal.head)
    script = (folder / "head.sh").read_text(encoding="utf-8")
    assert f"sbatch {folder}/head.sh" in script
    assert 'profile=$(dirname "$script")' in script
    assert "profile slurm" not in script
    assert re.findall(r"^#SBATCH --(?:partition|time)=.*", script, re.MULTILINE) == [
        "#SBATCH --partition=cpu",
        "#SBATCH --time=600",
    ]
    (folder / "config.yaml").unlink()
    with pytest.raises(CalotypeError, match=r"head\.sh already exists; nothing was written"):
        check_new(folder)
    assert rich.asked


def test_a_folder_with_a_profile_is_never_written_to(tmp_path):
    (tmp_path / "config.v9+.yaml").write_text("jobs: 1\n", encoding="utf-8")
    with pytest.raises(CalotypeError, match=r"config\.v9\+\.yaml already exists; nothing was written\.\nHint: choose"):
        check_new(tmp_path)


def test_many_partitions_of_other_groups_share_a_line(rich):
    shown_once = rich.folder / "partitions.txt"
    text = shown_once.read_text(encoding="utf-8")
    (chem,) = [line for line in text.splitlines() if line.startswith("PartitionName=chem ")]
    more = [chem.replace("chem", f"lab{number}") for number in range(40)]
    shown_once.write_text(text + "\n".join(more) + "\n", encoding="utf-8")
    nodes = rich.folder / "nodes.txt"
    lines = "".join(f"lab{number}|1|idle|8|16000|gpu:a100:2|ib\n" for number in range(40))
    nodes.write_text(nodes.read_text(encoding="utf-8") + lines, encoding="utf-8")
    assert "  chem, lab0, lab1, lab2, lab3, lab4 and 35 more: only for another account\n" in shown()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("gpu-long", "gpu-long"), ("2080ti", "2080ti"), ("all", "'all'"), ("1-2", "'1-2'"), ("input", "'input'")],
)
def test_a_name_that_snakemake_would_evaluate_is_quoted(name, expected):
    assert yaml.safe_load(as_name(name)) == expected


def test_a_folder_on_a_disk_of_this_machine_is_told_from_a_shared_one(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text("disk / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\nx /home/my\\040lab lustre rw 0 0\n")
    assert file_system_of(Path("/opt/project"), mounts) == "ext4"
    assert file_system_of(Path("/home/ada/project"), mounts) == "nfs4"
    assert file_system_of(Path("/home/my lab/project"), mounts) == "lustre"
    assert file_system_of(Path("/home"), tmp_path / "missing") is None
