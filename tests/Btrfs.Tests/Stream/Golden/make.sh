#!/bin/sh
# Makes the streams of this folder anew with the running kernel and the installed btrfs-progs. Needs root. See README.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'cd /; umount "$work/mnt" 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir "$work/mnt"
truncate -s 300M "$work/image"
mkfs.btrfs -q "$work/image"
mount -o loop "$work/image" "$work/mnt"
cd "$work/mnt"

btrfs -q subvolume create v
cd v
mkdir -p dir/sub "sp ace"
echo hello > dir/f1
yes "plain text" | head -c 200000 > plain
for how in zlib lzo zstd; do
    touch "$how"
    btrfs property set "$how" compression "$how"
    yes "$how $how" | head -c 300000 > "$how"
done
mknod char c 5 7
mknod block b 7 300
mkfifo fifo
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
ln -s "../sp ace/x y" link
ln dir/f1 dir/hard
cp --reflink=always plain clone
setfattr -n user.note -v "a value" dir/f1
touch "$(printf '\377\376 caf\303\251\nnl')" "$(printf 'tab\there back\\slash')"
touch -d '1960-01-02 03:04:05 UTC' dir/f1
touch -d '2050-06-01 00:00:00.123456789 UTC' plain
truncate -s 1M sparse
printf x | dd of=sparse bs=1 seek=500000 conv=notrunc status=none
chown 1000:1001 zstd
chmod 4755 zstd
echo cap > cap
setcap cap_net_raw+ep cap
cd ..
sync
btrfs -q subvolume snapshot -r v s1

cd v
mv dir/sub "sp ace/moved"
rmdir "sp ace/moved"
rm clone link sparse
echo more >> dir/f1
fallocate -p -o 65536 -l 65536 plain
chattr +A plain
truncate -s 100 zstd
mv dir dir2
mkdir dir
mv zlib swap
mv lzo zlib
mv swap lzo
chmod 600 cap
setfattr -x user.note dir2/f1
cp --reflink=always plain dir/reflinked
chown 5:6 cap
cd ..
sync
btrfs -q subvolume snapshot -r v s2

btrfs -q send --proto 1 -f "$work/full-v1" s1
btrfs -q send --proto 2 -f "$work/full-v2" s1
btrfs -q send --proto 2 --compressed-data -f "$work/full-v2-compressed" s1
btrfs -q send --proto 1 -p s1 -f "$work/incremental-v1" s2
btrfs -q send --proto 2 --compressed-data -p s1 -f "$work/incremental-v2-compressed" s2
btrfs -q send --proto 1 --no-data -f "$work/no-data-v1" s1
btrfs -q send --proto 2 -f "$work/two-streams-v2" -p s1 s2 s2
btrfs -q send --proto 2 -e -f "$work/two-subvolumes-in-one-v2" s1 s2

for stream in "$work"/full-* "$work"/incremental-* "$work"/no-data-* "$work"/two-*; do
    name=$(basename "$stream")
    gzip -9n < "$stream" > "$here/$name.stream.gz"
    TZ=UTC btrfs receive --dump -f "$stream" > "$here/$name.dump"
done
