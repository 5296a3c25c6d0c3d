#!/usr/bin/env bash
# Run the tests on Slurm of a newer Debian: Debian 13 has Slurm 24.11 and Python 3.13. Needs root and debootstrap.
#
#   tests/cluster/debian13.sh FOLDER                                 # tests/cluster and tests/faults
#   tests/cluster/debian13.sh FOLDER tests/cluster/test_settings.py  # anything for pytest
#
# FOLDER gets a Debian of 5 GB at the first call, and is used again. It is mounted to nothing when the script has ended.
set -euo pipefail
[ $# -gt 0 ] || { sed -n 's/^# \{0,1\}//; 2,7p' "$0"; exit 2; }
repository=$(cd "$(dirname "$0")/../.." && pwd)
root=$(realpath -m "$1"); shift
[ $# -gt 0 ] || set -- tests/cluster tests/faults

inside() { # without variables of the caller, but for those of pip
    env -i HOME=/root LANG=C.UTF-8 PATH=/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        DEBIAN_FRONTEND=noninteractive $(env | grep '^PIP_[A-Z_]*=[^ ]*$' || true) chroot "$root" "$@"
}

if [ ! -e "$root/ready" ]; then
    debootstrap --variant=minbase --include=ca-certificates trixie "$root"
    printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d" # packages start no daemon
    chmod +x "$root/usr/sbin/policy-rc.d"
fi
unmount() { umount --recursive --lazy "$root/proc" "$root/sys" "$root/dev" 2>/dev/null || true; }
trap unmount EXIT
for each in proc sys dev; do
    mount --rbind "/$each" "$root/$each"
    mount --make-rslave "$root/$each"
done
cp /etc/hosts /etc/resolv.conf "$root/etc/"
if [ -n "${PIP_CERT:-}" ]; then cp --parents "$PIP_CERT" "$root/"; fi

if [ ! -e "$root/ready" ]; then
    # Debian 13's slurmdbd ends with the client library of its MariaDB 11.8 ("maximum allowed number of columns");
    # with the one of Debian 12 it runs.
    sed 's/trixie/bookworm/g' "$root/etc/apt/sources.list" > "$root/etc/apt/sources.list.d/bookworm.list"
    printf 'Package: *\nPin: release n=bookworm\nPin-Priority: -1\n' > "$root/etc/apt/preferences.d/bookworm"
    inside apt-get update -q
    inside apt-get install -y -q --no-install-recommends procps util-linux git python3-venv libgl1 \
        slurmctld slurmd slurmdbd slurm-client munge mariadb-server
    inside sh -c 'cd /tmp && apt-get download libmariadb3/bookworm && dpkg-deb --extract libmariadb3_*.deb /opt/mariadb'
    printf '#!/bin/sh\nLD_LIBRARY_PATH=$(echo /opt/mariadb/usr/lib/*-linux-gnu) exec /usr/sbin/slurmdbd "$@"\n' \
        > "$root/usr/local/sbin/slurmdbd"
    chmod +x "$root/usr/local/sbin/slurmdbd"
    inside python3 -m venv /venv
    cp -r "$repository/envs" "$root/tmp/"
    inside pip install --quiet --no-compile -r /tmp/envs/dev.txt
    touch "$root/ready"
fi

rm -rf "$root/project"
git clone --quiet "$repository" "$root/project" # what is committed
inside sh -c 'slurmctld -V; python3 --version; cd /project && exec pytest -n 2 "$@"' - "$@"
