#!/bin/bash
# make.sh [NAME...]: makes the file systems of this folder anew, or some of them: mkfs.btrfs, and for "filled" the running kernel as root. See README.md.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d /dev/shm/btrfs-crash-make.XXXXXX)
trap 'rm -rf "$work"' EXIT

# Names given make only those.
wanted=" $* "

make() {
	if [ "$wanted" != "  " ] && [ "${wanted/ $1 /}" = "$wanted" ]; then return; fi
	local name=$1 count=$2 size=$3 images=() i
	shift 3
	for i in $(seq "$count"); do
		truncate -s "$size" "$work/$name.$i"
		images+=("$work/$name.$i")
	done
	mkfs.btrfs -q "$@" "${images[@]}" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
	if [ "$name" = filled ]; then fill "${images[0]}"; fi
	python3 - "$name.pages.gz" "${images[@]}" <<'PYTHON'
import gzip, os, struct, sys
with open(sys.argv[1], "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as out:
    out.write(struct.pack("<Q", len(sys.argv) - 2))
    for path in sys.argv[2:]:
        data = open(path, "rb").read()
        pages = [at for at in range(0, len(data), 4096) if data[at:at + 4096].strip(b"\0")]
        out.write(struct.pack("<QQ", len(data), len(pages)))
        for at in pages:
            out.write(struct.pack("<Q", at) + data[at:at + 4096])
PYTHON
	rm "${images[@]}"
}

fill() {
	mkdir "$work/mount"
	mount -o loop,compress=zstd "$1" "$work/mount"
	(
		cd "$work/mount"
		btrfs -q subvolume create volume
		mkdir -p volume/many volume/deep/a/b
		for i in $(seq 150); do seq $((i * 7)) > "volume/many/file-$i"; done
		for i in $(seq 20); do ln volume/many/file-1 "volume/deep/link-$i"; done
		ln -s ../many/file-2 volume/deep/a/symlink
		mkfifo volume/deep/fifo
		for i in 1 2 3; do setfattr -n "user.attribute$i" -v "value $i" volume/many/file-3; done
		seq 50000 > volume/large
		cp --reflink=always volume/large volume/clone
		fallocate -l 256K volume/prealloc
		echo middle | dd of=volume/prealloc bs=4096 seek=5 conv=notrunc status=none
		btrfs -q subvolume snapshot -r volume before
		rm volume/many/file-1?
		btrfs -q subvolume snapshot volume writable
		btrfs -q subvolume create volume/nested
		seq 100 > volume/nested/file
	)
	umount "$work/mount"
}

make default 1 128M
make single 1 128M -m single
make no-free-space-tree 1 128M -R ^free-space-tree
make mixed 1 128M --mixed -n 4096
make dup 1 256M -m dup -d dup -n 4096
make nodes4k 1 128M -m single -n 4096
make sha256 1 128M --csum sha256
make quota 1 128M -R quota
make old 1 128M -O ^no-holes,^extref,^skinny-metadata -R ^free-space-tree --csum xxhash
make raid1 2 128M -m raid1 -d raid1
make raid0 2 128M -m raid1 -d raid0
make raid10 4 128M -m raid10 -d raid10 --csum blake2
make raid1c3 3 128M -m raid1c3 -d raid1c3 -n 8192
make raid5 3 128M -m raid5 -d raid5
make raid6 4 128M -m raid1c3 -d raid6
make filled 1 128M -m single -n 4096
