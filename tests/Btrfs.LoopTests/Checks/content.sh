#!/bin/bash
# Fills the btrfs mounted at $1 with one of everything that the kernel writes as metadata; $2 is "extref" where the feature is on.
set -eu
cd "$1"

mkdir -p tree/a/b many
long=$(printf 'n%.0s' $(seq 180))
for i in $(seq 400); do : > "many/$long$i"; done
for i in $(seq 60); do head -c $((i * 90)) /dev/urandom > "tree/small$i"; done
rm many/*7

echo linked > tree/target
mkdir tree/links
for i in $(seq 400); do ln tree/target "tree/links/$long$i" 2> /dev/null || [ "${2:-}" != extref ]; done
ln -s ../tree/target tree/a/symlink
mkfifo tree/fifo
mknod tree/char c 1 3
mknod tree/block b 7 0
mv tree/a/b tree/moved

for i in $(seq 20); do setfattr -n "user.attribute$i" -v "$(head -c $((i * 8)) /dev/zero | tr '\0' v)" tree/target; done
setfattr -n trusted.empty tree/moved
setfacl -m u:1234:rw,g:77:r tree/target
setfacl -d -m u:1234:rwx tree/moved

for algorithm in zlib lzo zstd; do
	mkdir "tree/$algorithm"
	btrfs property set "tree/$algorithm" compression "$algorithm"
	seq 100000 > "tree/$algorithm/large"
	seq 300 > "tree/$algorithm/inline"
done
head -c 900000 /dev/urandom > tree/random
cp --reflink=always tree/random tree/clone
fallocate -l 1M tree/prealloc
dd if=/dev/urandom of=tree/prealloc bs=4096 count=3 seek=20 conv=notrunc status=none
fallocate -p -o 8192 -l 65536 tree/random
truncate -s 10M tree/sparse
dd if=/dev/urandom of=tree/sparse bs=4096 count=1 seek=999 conv=notrunc status=none
: > tree/nocow
chattr +C tree/nocow
head -c 70000 /dev/urandom > tree/nocow
chattr +dAS tree/nocow
# One extent with more references than an extent item holds inline.
head -c 65536 /dev/urandom > tree/shared
for i in $(seq 400); do cp --reflink=always tree/shared "tree/share$i"; done
sync -f .

# A log tree: fsync after a commit.
for i in 1 2 3; do echo "$i" > tree/moved/logged; sync tree/moved/logged; mv tree/moved/logged "tree/moved/kept$i"; sync tree/moved; done
sync tree/nocow

btrfs -q subvolume create volume > /dev/null
cp -a tree/small* volume/
btrfs -q subvolume create volume/nested > /dev/null
for i in 1 2 3 4; do
	btrfs -q subvolume snapshot -r volume "snapshot$i" > /dev/null
	head -c 20000 /dev/urandom > "volume/after$i"
	rm "volume/small$i"
done
btrfs -q subvolume snapshot . whole > /dev/null
btrfs -q send snapshot1 2> /dev/null | btrfs -q receive -e tree/a 2> /dev/null
sync -f .
btrfs -q subvolume delete -c snapshot3 > /dev/null
btrfs -q subvolume set-default volume > /dev/null
if btrfs qgroup create 1/100 . 2> /dev/null; then
	btrfs qgroup limit 100M volume
	btrfs -q qgroup assign --no-rescan "0/$(btrfs inspect-internal rootid volume)" 1/100 .
fi

# An orphan, committed while its file is still open.
exec 3> volume/orphan
head -c 100000 /dev/urandom >&3
rm volume/orphan
sync -f .
exec 3>&-

btrfs -q balance start --full-balance . > /dev/null
btrfs -q scrub start -B . > /dev/null
# Deleted, and still in cleaning when the file system is unmounted.
btrfs -q subvolume delete whole > /dev/null
