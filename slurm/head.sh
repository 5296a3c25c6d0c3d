#!/bin/bash
# The head process as a job: sbatch slurm/head.sh [arguments of snakemake]. It takes the profile in its own folder.
#
# It starts again after a requeue. At its time limit, a job that does the same follows. Jobs that it has submitted
# continue meanwhile. `scancel` of this job cancels them, too; training runs save their state first.

#SBATCH --job-name=calotype
# CLUSTER. A partition for long jobs with few cores, if there is one.
##SBATCH --partition=long
#SBATCH --time=24:00:00
# Snakemake takes 0.2 GB (0.4 GB for 10,000 packs). Two smoke tests of custom models at a time took it to 1.4 GB.
#SBATCH --mem=3G
#SBATCH --cpus-per-task=2
#SBATCH --requeue
#SBATCH --output=%x-%j.log
#SBATCH --open-mode=append
# Two minutes before the time limit, this shell gets a signal.
#SBATCH --signal=B:USR1@120

set -m # so that Snakemake hears SIGINT
job=$SLURM_JOB_ID
script=$(scontrol show job "$job" | sed -n 's/^ *Command=\([^ ]*\).*/\1/p')
profile=$(dirname "$script")
again=(sbatch --dependency="afterany:$job" --job-name="$SLURM_JOB_NAME" --partition="$SLURM_JOB_PARTITION"
    --time="$(squeue --noheader --jobs="$job" --format=%l)"
    ${SLURM_JOB_ACCOUNT:+--account="$SLURM_JOB_ACCOUNT"} ${SLURM_JOB_QOS:+--qos="$SLURM_JOB_QOS"})
restarts() { scontrol show job "$job" | grep -o "Restarts=[0-9]*"; }
started=$(restarts)
# The variables of this job would limit the jobs that it submits.
for name in "${!SLURM_@}" "${!SBATCH_@}"; do [ "$name" = SLURM_CONF ] || unset "$name"; done

# CLUSTER. The environment; load the module of Python before it, if the cluster has modules.
. .venv/bin/activate

# An earlier head process that was killed has left its number here. Its lock is removed. Its jobs that wait in the queue
# are submitted again by this one; those that run go on, and later jobs wait for them.
mark=.snakemake/head-job
if [ -e "$mark" ]; then
    before=$(cat "$mark")
    if [ "$before" != "$job" ] && [ -n "$(squeue --noheader --states=RUNNING --jobs="$before" 2>/dev/null)" ]; then
        echo "error: job $before runs Snakemake in this folder. Hint: wait for its end, or scancel $before." >&2
        exit 1
    fi
    run=$(grep -hs "SLURM run ID: " .snakemake/log/*.log | tail -n 1)
    [ -z "$run" ] || scancel --user="$(id -un)" --state=PENDING --name="${run##*: }"
    snakemake --profile "$profile" "$@" --unlock
fi
mkdir -p .snakemake
echo "$job" > "$mark"

snakemake --profile "$profile" "$@" &
head=$!

leave() { # the jobs continue
    kill -KILL -- "-$head"
    exit "$1"
}
follow() {
    "${again[@]}" "$script" "$@" && leave 0
    leave 1
}
stop() {
    if [ "$(restarts)" = "$started" ]; then # by scancel
        kill -INT "$head"
        wait "$head"
        rm -f "$mark"
        exit 1
    fi
    leave 1 # it is requeued
}
trap 'follow "$@"' USR1
trap stop TERM

wait "$head"
status=$?
[ "$status" -gt 128 ] || rm -f "$mark" # unless it was killed
exit "$status"
