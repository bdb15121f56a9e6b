#!/bin/bash
# Makes the images of this folder anew through mkfs.btrfs and the running kernel. Needs root; see README.md.
set -eu
cd "$(dirname "$0")"

# Two read-only snapshots, "before" and "after", with every kind of change that an incremental send knows between them.
fill() {
	local long=$(printf 'n%.0s' $(seq 200))
	btrfs -q subvolume create volume
	cd volume
	mkdir -p tree/a/b/c tree/x/y many swap1 swap2 gone/deep
	for i in $(seq 60); do echo "file $i" > "many/${long:0:i*3}$i"; done
	echo target > tree/target
	for i in $(seq 40); do ln tree/target "many/$long$i" 2> /dev/null || true; done
	ln -s ../target tree/a/symlink
	mkfifo tree/fifo
	mknod tree/char c 1 3
	mknod tree/block b 7 0
	chmod 4755 tree/target
	chown 1000:1000 tree/x
	for i in 1 2 3; do setfattr -n "user.attribute$i" -v "value $i" tree/target; done
	setfacl -m u:1234:rw tree/target
	setcap cap_net_raw+ep tree/target 2> /dev/null || true
	for algorithm in zlib lzo zstd; do
		mkdir "tree/$algorithm"
		btrfs property set "tree/$algorithm" compression "$algorithm"
		seq 9000 > "tree/$algorithm/large"; yes "$algorithm" | head -c 200000 >> "tree/$algorithm/large" || true
		seq 400 > "tree/$algorithm/inline"
	done
	seq 15000 > tree/plain
	cp --reflink=always tree/plain tree/clone
	fallocate -l 256K tree/prealloc
	echo middle | dd of=tree/prealloc bs=4096 seek=5 conv=notrunc status=none
	truncate -s 1M tree/sparse
	echo island | dd of=tree/sparse bs=4096 seek=99 conv=notrunc status=none
	: > tree/nosum
	chattr +C tree/nosum
	seq 2000 > tree/nosum
	echo 1 > swap1/f
	echo 2 > swap2/f
	echo old > gone/deep/file
	cd ..
	sync -f .
	btrfs -q subvolume snapshot -r volume before

	cd volume
	mv swap1 swap && mv swap2 swap1 && mv swap swap2
	mv tree/a/b/c moved && mv tree/x moved/x && mv tree/a moved/x/y/a
	rm -r gone
	echo new > gone
	rm many/*3
	mv "many/${long:0:12}4" tree/renamed
	ln tree/target tree/linked
	setfattr -x user.attribute1 tree/target
	setfattr -n user.attribute2 -v changed tree/target
	fallocate -p -o 16384 -l 65536 tree/plain
	truncate -s 30000 tree/zlib/large
	cp --reflink=always tree/zstd/large tree/lzo/clone
	echo tail >> tree/sparse
	chmod 600 tree/plain
	for i in $(seq 20); do echo "later $i" > "moved/later$i"; done
	cd ..
	sync -f .
	btrfs -q subvolume snapshot -r volume after
	btrfs -q subvolume create volume/nested
	echo inside > volume/nested/file
	btrfs -q subvolume snapshot volume copy
	echo top > top
	sync -f .
}

make() {
	local name=$1 size=$2 mountOptions=$3
	shift 3
	local folder=$(mktemp -d)
	truncate -s "$size" "$folder/image"
	mkfs.btrfs -q "$@" "$folder/image" > /dev/null
	mkdir "$folder/mount"
	mount -o "loop,$mountOptions" "$folder/image" "$folder/mount"
	(cd "$folder/mount" && fill)
	umount "$folder/mount"
	gzip -9 -n < "$folder/image" > "$name.img.gz"
	(cd "$folder" && TZ=UTC btrfs inspect-internal dump-tree image) | gzip -9 -n > "$name.dump-tree.gz"
	(cd "$folder" && btrfs inspect-internal dump-super -fa image) | gzip -9 -n > "$name.dump-super.gz"
	rm -r "$folder"
}

make single 48M noatime -n 4096 -m single -d single
make mixed 32M noatime --mixed -n 4096 -O ^no-holes,^skinny-metadata --csum xxhash
make nodes16k 48M noatime -m single -d single -R quota --csum sha256
ls -l
